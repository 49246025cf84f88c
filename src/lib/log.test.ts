// The type of a log asks for no library, and the silent log has every method of it.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Logger } from 'pino'
import { expect, expectTypeOf, test } from 'vitest'
import type { Log } from './log.ts'
import { LOG_LEVELS, silentLog } from './log.ts'

test("pino's logger is a log", () => {
  expectTypeOf<Logger>().toExtend<Log>()
})

test('the silent log takes a sentence, or fields with or without one', () => {
  for (const level of ['debug', 'info', 'warn', 'error'] as const) {
    expect(silentLog[level]('a sentence')).toBeUndefined()
    expect(silentLog[level]({ id: 1 }, 'a sentence')).toBeUndefined()
    expect(silentLog[level]({ id: 1 })).toBeUndefined()
  }
})

test('the levels go from the most to the least detailed', () => {
  expect(LOG_LEVELS).toEqual(['DEBUG', 'INFO', 'WARNING', 'ERROR'])
})

test('importing the log loads no package', () => {
  const log = fileURLToPath(new URL('log.ts', import.meta.url))
  const script = `
    import { registerHooks } from 'node:module'
    registerHooks({
      resolve(specifier, context, next) {
        if (!/^(file:|node:|[./])/.test(specifier)) throw new Error('loads ' + specifier)
        return next(specifier, context)
      },
    })
    await import('${log}')`
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script]
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  expect(stderr).toBe('')
  expect(status).toBe(0)
})
