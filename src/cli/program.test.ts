// The whole command line in this process: against no server, and against a real one.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { beforeAll, describe, expect, test } from 'vitest'
import type { TestSignalbox } from '../../test/signalbox.ts'
import { openTestSignalbox, TOKEN, until } from '../../test/signalbox.ts'
import { buildProgram, run } from './program.ts'
import type { Terminal } from './terminal.ts'

function terminalFor(options: Partial<Terminal> = {}) {
  const said = { out: '', err: '' }
  const terminal: Terminal = {
    env: {},
    folder: tmpdir(),
    columns: undefined,
    out: (text) => {
      said.out += text
    },
    err: (text) => {
      said.err += text
    },
    readInput: async () => '',
    paint: (_style, text) => text,
    ...options,
  }
  return { terminal, said }
}

async function call(args: string[], options: Partial<Terminal> = {}) {
  const { terminal, said } = terminalFor(options)
  return { code: await run(args, terminal), ...said }
}

function commandsUnder(command: Command): Command[] {
  return [command, ...command.commands.flatMap(commandsUnder)]
}

describe('without a server', () => {
  test('every command that does something has an example that names it', async () => {
    const leaves = commandsUnder(buildProgram(terminalFor().terminal)).filter(({ commands }) => commands.length === 0)
    for (const leaf of leaves) {
      const words: string[] = []
      for (let at: Command | null = leaf; at !== null; at = at.parent) words.unshift(at.name())
      const { code, out } = await call([...words.slice(1), '--help'])
      expect(code).toBe(0)
      expect(out).toMatch(new RegExp(`Examples?:\\n(.*\\n)*.*${words.join(' ')}`))
    }
    expect(leaves.length).toBeGreaterThan(20)
  })

  test.each([
    [['nonsense'], "Unknown command 'nonsense'."],
    [['jobs', 'ls', '--status', 'done'], 'Allowed choices are pending'],
    [['jobs', 'ls', '--limit', '0'], 'It must be a number from 1 to 100.'],
    [['jobs', 'show'], "Missing required argument 'job-id'."],
    [['deploy', '--app', 'bot', '--config', 'x.json'], "Required option '--env <name>' not specified."],
    [['events', 'ls', '--server', 'localhost'], 'It must be an address'],
  ])('wrong usage %j ends with 2 and says so once', async (args, expected) => {
    const { code, out, err } = await call(args)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(expected)
    expect(err.match(/signalbox: /g)).toHaveLength(1)
  })

  test('a noun without a verb shows its help', async () => {
    const { code, err } = await call(['jobs'])
    expect(code).toBe(2)
    expect(err).toContain('show [options] <job-id>')
  })

  test('no server is an expected failure, as text or as JSON', async () => {
    const env = { SIGNALBOX_URL: 'http://127.0.0.1:9' }
    expect(await call(['jobs', 'ls'], { env })).toMatchObject({
      code: 1,
      err: expect.stringContaining('→ Start one with: signalbox dev'),
    })
    const { code, out, err } = await call(['jobs', 'ls', '--json'], { env })
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(JSON.parse(err)).toMatchObject({
      code: 'unreachable',
      detail: 'There is no answer from http://127.0.0.1:9.',
    })
  })

  test('a wrong setting is named before anything is done', async () => {
    const { code, err } = await call(['jobs', 'ls'], { env: { PORT: 'x' } })
    expect(code).toBe(1)
    expect(err).toContain('PORT: must be a whole number')
  })

  test('the stack is for who asks for it', async () => {
    const env = { SIGNALBOX_URL: 'http://127.0.0.1:9', ORCHESTRATOR_LOG_LEVEL: 'debug' }
    expect((await call(['jobs', 'ls'], { env })).err).toMatch(/\n {4}at .*\n[\s\S]*because of /)
  })

  test('sources, rules and agents are shown as configured, secrets by their number', async () => {
    const env = { GITHUB_WEBHOOK_SECRET: 'the-first-secret-of-github,the-second-secret-of-github' }
    const sources = await call(['sources'], { env })
    expect(sources.out).toMatch(/github +\/webhook\/github +open +2\n/)
    expect(sources.out).toMatch(/agenta +\/webhook\/agenta +closed +0 +set AGENTA_WEBHOOK_SECRET/)
    expect(sources.out).not.toContain('the-first')
    expect((await call(['rules', 'ls'])).out).toContain('deployment-pr  environment.deployed')
    expect((await call(['agents'])).out).toMatch(/^ping /m)
  })

  test('a secret is 32 bytes and never the same', async () => {
    const made = await Promise.all([call(['secret', 'generate']), call(['secret', 'generate'])])
    expect(new Set(made.map(({ out }) => out)).size).toBe(2)
    for (const { out } of made) expect(Buffer.from(out.trim(), 'base64url')).toHaveLength(32)
  })

  test('two processes need one database', async () => {
    expect(await call(['serve', '--only', 'receiver'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('Set DATABASE_URL'),
    })
  })
})

describe('with a server', () => {
  let signalbox: TestSignalbox
  let folder: string
  const ask = (args: string[], options: Partial<Terminal> = {}) =>
    call(args, { env: { SIGNALBOX_URL: signalbox.url, SIGNALBOX_API_TOKEN: TOKEN }, folder, ...options })
  const asJson = async (args: string[]) => JSON.parse((await ask([...args, '--json'])).out)

  beforeAll(async () => {
    signalbox = await openTestSignalbox()
    folder = await mkdtemp(join(tmpdir(), 'signalbox-cli-'))
    return async () => {
      await signalbox.close()
      await rm(folder, { recursive: true })
    }
  })

  test('a triggered job is listed, shown with its log, and cannot be retried once it is done', async () => {
    const { jobs } = await asJson(['trigger'])
    const [id] = jobs
    const shown = await until('the job is done', async () => {
      const { out } = await ask(['jobs', 'show', id])
      return /^status +completed$/m.test(out) && out
    })
    expect(shown).toMatch(/Attempts\n {2}TRY .*\n {2}1 +completed/)
    expect(shown).toMatch(/Log\n.*pong at/)
    expect((await ask(['jobs', 'ls', '--type', 'ping'])).out).toContain(`${id}  `)
    expect(await ask(['jobs', 'retry', id])).toMatchObject({
      code: 1,
      err: expect.stringContaining('The job is completed'),
    })
  })

  test('an unknown job type is refused with those there are', async () => {
    const { code, err } = await ask(['trigger', 'nope'])
    expect(code).toBe(1)
    expect(err).toContain('ping')
  })

  test("an endpoint's secret can come from standard input, where no process list shows it", async () => {
    const add = ['endpoints', 'add', '--url', 'http://127.0.0.1:9/other', '--secret', '-']
    expect(await ask(add, { readInput: async () => 'a-secret-of-more-than-20-characters\n' })).toMatchObject({
      code: 0,
    })
    const { rows } = await signalbox.database.query(`select secrets from signalbox.endpoints where url like '%/other'`)
    expect(rows).toEqual([{ secrets: ['a-secret-of-more-than-20-characters'] }])
    await signalbox.database.query(`update signalbox.endpoints set status = 'paused' where url like '%/other'`)
  })

  test('a deployment says what changed and who is told', async () => {
    const added = await ask(['endpoints', 'add', '--url', 'http://127.0.0.1:9/hook', '--name', 'hook'])
    expect(added.out).toMatch(/secret +whsec_[\s\S]*not shown again/)
    expect((await ask(['endpoints', 'ls'])).out).toMatch(/hook +active/)
    await writeFile(join(folder, 'config.json'), '{"temperature":0.7,"stop":"x"}')
    const deploy = ['deploy', '--app', 'bot', '--env', 'production', '--by', 'jane', '--config']
    const first = await ask([...deploy, 'config.json'])
    expect(first.out).toMatch(/^bot is deployed to production, as number 1\.\n[\s\S]*\+ temperature: 0\.7\n/)
    const second = await ask([...deploy, '-'], { readInput: async () => '{"temperature":0.5,"top_p":1}' })
    expect(second.out).toContain('Changed:\n  ~ temperature: 0.7 → 0.5\n  + top_p: 1\n  - stop: x\n')
    expect(second.out).toMatch(/^job +\S+ +deployment-pr/m)
    expect(second.out).toMatch(/^told +\S+ +hook/m)
    const [delivery] = (await asJson(['deliveries', 'ls'])).items
    expect((await ask(['deliveries', 'show', delivery.id])).out).toMatch(/^endpoint +hook /m)
  })

  test('a configuration that is no JSON is refused with its line, and nothing is deployed', async () => {
    const args = ['deploy', '--app', 'bot', '--env', 'staging', '--config', '-']
    const { code, err } = await ask(args, { readInput: async () => '{\n  "a": 1\n  "b": 2\n}' })
    expect(code).toBe(1)
    expect(err).toContain('standard input, line 3, column 3: ')
    expect(await signalbox.count('signalbox.deployments', `environment = 'staging'`)).toBe(0)
  })

  test('an event is listed, shown with its payload, and explained', async () => {
    const { items } = await asJson(['events', 'ls', '--type', 'environment.*', '--limit', '1'])
    const [{ id }] = items
    expect((await ask(['events', 'show', id])).out).not.toContain('"event"')
    expect((await ask(['events', 'show', id, '--payload'])).out).toContain('"event": "environment.deployed"')
    const explained = await ask(['rules', 'explain', id])
    expect(explained.out).toMatch(/✓ rule deployment-pr: .* matches/)
    expect(explained.out).toMatch(/✓ endpoint hook: Notified/)
  })

  test('a file is explained by the rules of this folder, without a server', async () => {
    await writeFile(join(folder, 'push.json'), '{"ref":"refs/heads/main","before":"0","after":"1"}')
    await writeFile(
      join(folder, 'signalbox.config.ts'),
      `export default { rules: [{ name: 'main', on: 'push', when: { branch: 'main' }, agent: 'ping' }, { name: 'tags', on: 'push', when: { tag: 'v*' }, agent: 'ping' }] }`,
    )
    const { out } = await ask(['rules', 'explain', 'push.json'], { env: {} })
    expect(out).toMatch(/^event +push from github$/m)
    expect(out).toMatch(/✓ rule main: .*\n✗ rule tags: .*the event has no tag, wanted v\*/)
  })

  test('a wrong token is told apart from a missing server', async () => {
    const env = { SIGNALBOX_URL: signalbox.url, SIGNALBOX_API_TOKEN: 'another-token-of-some-length' }
    expect(await ask(['jobs', 'ls'], { env })).toMatchObject({
      code: 1,
      err: expect.stringContaining('SIGNALBOX_API_TOKEN'),
    })
  })
})
