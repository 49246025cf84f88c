// A line of the log is JSON with a time and a level, and has no secret.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { LogLevel } from './log.ts'
import { LOG_LEVELS } from './log.ts'
import { openLog } from './pino-log.ts'

type Line = Record<string, unknown> & { msg?: string; level: number; time: string }

function openCollectingLog(level?: LogLevel) {
  const texts: string[] = []
  const destination = { write: (text: string) => void texts.push(text) }
  const log = openLog({ destination, ...(level && { level }) })
  return { log, texts, lines: (): Line[] => texts.map((text) => JSON.parse(text) as Line) }
}

describe('a line', () => {
  test('is one JSON object with the time, the level, the fields and the sentence', () => {
    const { log, lines, texts } = openCollectingLog()
    log.info({ job: 'a' }, 'job completed\nwith a line break')
    log.warn('no fields')
    expect(texts.every((text) => text.indexOf('\n') === text.length - 1)).toBe(true)
    const [first, second] = lines()
    expect(first).toMatchObject({ level: 30, job: 'a', msg: 'job completed\nwith a line break' })
    expect(new Date(first?.time ?? '').toISOString()).toBe(first?.time)
    expect(second).toMatchObject({ level: 40, msg: 'no fields' })
    expect(Object.keys(first ?? {}).sort()).toEqual(['job', 'level', 'msg', 'time'])
  })

  test('has the message and the stack of an error', () => {
    const { log, lines } = openCollectingLog()
    log.error({ err: new TypeError('no') }, 'it failed')
    expect(lines()[0]?.err).toMatchObject({ type: 'TypeError', message: 'no', stack: expect.stringContaining('.ts') })
  })

  test.each(LOG_LEVELS.map((level, i) => [level, 4 - i] as const))('at level %s is one of %i', (level, count) => {
    const { log, lines } = openCollectingLog(level)
    for (const method of ['debug', 'info', 'warn', 'error'] as const) log[method](method)
    expect(lines()).toHaveLength(count)
  })

  test('goes to standard error, so that standard output stays clean', () => {
    const module = fileURLToPath(new URL('pino-log.ts', import.meta.url))
    const script = `import { openLog } from '${module}'
      openLog().info('to standard error')
      process.exit(0)`
    const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script]
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
    expect(stdout).toBe('')
    expect(JSON.parse(stderr)).toMatchObject({ msg: 'to standard error' })
  })

  const hostile = 'a\u001b[2Jb\u009b2Jc\u007fd\u202ee'

  test('has nothing that moves the cursor of a terminal or turns its words around', () => {
    const { log, texts } = openCollectingLog()
    log.warn({ path: hostile, err: new Error(hostile) }, hostile)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(texts.join('')).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/)
    expect(texts.join('')).toContain('b\ufffd2Jc\ufffdd\ufffde')
  })

  test('is text for people when it is pretty', () => {
    const module = fileURLToPath(new URL('pino-log.ts', import.meta.url))
    const script = `import { openLog } from '${module}'
      openLog({ pretty: true }).info({ job: 'a', token: 'hunter2', path: ${JSON.stringify(hostile)} }, 'for people')`
    const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script]
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
    expect(stdout).toBe('')
    expect(stderr).toContain('for people')
    expect(stderr).not.toContain('hunter2')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(stderr).not.toMatch(/\u001b\[2J|[\u007f-\u009f\u202e]/)
    expect(() => JSON.parse(stderr)).toThrow()
  })

  test('is one line when it is pretty, whatever its sentence quotes', () => {
    const module = fileURLToPath(new URL('pino-log.ts', import.meta.url))
    const forged = 'one\n[02:47:31] INFO: job deadbeef: completed\r\u2028\u001b[2Jtwo'
    const script = `import { openLog } from '${module}'
      openLog({ pretty: true }).warn({ path: ${JSON.stringify(forged)} }, ${JSON.stringify(forged)})`
    const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script]
    const { stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
    expect(stderr.trimEnd()).not.toMatch(/[\n\r]/)
    expect(stderr).not.toContain('\u001b[2J')
  })
})

describe('a secret', () => {
  const secret = 'hunter2'
  const bearer = `Bearer ${secret}`
  const failed = Object.assign(new Error('502'), { request: { headers: { authorization: bearer } } })
  const ofPg = Object.assign(new Error('lost'), { client: { password: secret, host: 'db' } })

  test.each<[string, object]>([
    ['in a field of its own', { secret }],
    ['in a list', { secrets: [secret] }],
    ['in an object', { endpoint: { url: 'https://example.com', secret } }],
    ['in an array of objects', { endpoints: [{ secret }] }],
    ['as a token', { github: { token: secret } }],
    ['as a password', { database: { password: secret } }],
    ['in the headers of a request', { request: { headers: { authorization: bearer, cookie: secret } } }],
    ['in headers', { headers: { authorization: bearer } }],
    ["in the request of octokit's error", { err: failed }],
    ["in the client of pg's error", { err: ofPg }],
  ])('%s is removed, and the rest of the line stays', (_, fields) => {
    const { log, lines, texts } = openCollectingLog()
    log.error({ ...fields, job: 'a' }, 'it failed')
    expect(texts.join()).not.toContain(secret)
    expect(texts.join()).toContain('[Redacted]')
    expect(lines()[0]).toMatchObject({ job: 'a', msg: 'it failed' })
  })

  test('is still in the object that was logged', () => {
    const { log } = openCollectingLog()
    const endpoint = { secret }
    log.info({ endpoint }, 'created')
    expect(endpoint).toEqual({ secret })
    expect(failed.request.headers.authorization).toBe(bearer)
  })
})
