import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parseOptions } from './options.ts'

/** Runs a file of this folder, and resolves with how it ended. */
function run(file: string, args: string[]) {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const [program, ...before] = file.endsWith('.ts') ? [process.execPath, path] : [path]
  return new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
    execFile(program, [...before, ...args], (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, stdout, stderr }),
    )
  })
}

describe('the options of benchmarks', () => {
  test('are absent unless they are set', () => {
    const options = parseOptions([])
    expect(options).toMatchObject({ quick: false, rounds: undefined, seconds: undefined, attempts: 1 })
    expect(options.wants('Signalbox')).toBe(true)
  })

  test('limit the rows to names that contain one of the texts', () => {
    const { wants } = parseOptions(['--only', 'Signalbox', '--only', 'boss'])
    expect(['Signalbox queue', 'pg-boss, tuned', 'Probot'].map(wants)).toEqual([true, true, false])
  })

  test.each([
    [['--fast'], "Unknown option '--fast'."],
    [['--rounds'], "Option '--rounds <value>' argument missing."],
    [['--rounds', '0'], '--rounds must be a whole number from 1, not "0".'],
    [['--seconds', '1.5'], '--seconds must be a whole number from 1, not "1.5".'],
    [['--attempts', 'many'], '--attempts must be a whole number from 1, not "many".'],
    [['--quick=yes'], "Option '--quick' does not take an argument."],
  ])('%j is refused with a sentence', (args, message) => {
    expect(() => parseOptions(args)).toThrow(message)
  })

  test('a word that is no option is refused', () => {
    expect(() => parseOptions(['latency'])).toThrow("Unexpected argument 'latency'")
  })

  test('a wrong one ends the process with 2 and no stack', async () => {
    expect(await run('options.ts', ['--fast'])).toEqual({
      code: 2,
      stdout: '',
      stderr: "Unknown option '--fast'.\nSee bench/run --help.\n",
    })
  })
})

describe('bench/run', () => {
  test.each([['--help'], ['-h'], ['ingest', '--help']])('prints with %s what it can do', async (...args) => {
    const { code, stdout, stderr } = await run('run', args)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    for (const name of ['quick', 'against', 'only', 'rounds', 'seconds', 'attempts']) {
      expect(stdout).toContain(`--${name}`)
    }
  })

  test('names an unknown benchmark and shows the known ones', async () => {
    const { code, stderr } = await run('run', ['ingset'])
    expect({ code, first: stderr.split('\n')[0] }).toEqual({ code: 2, first: 'There is no benchmark called "ingset".' })
    expect(stderr).toContain('ingest|latency|jobs|claims|deliveries|neighbours|cli|storage|retention|lists|all')
  })
})
