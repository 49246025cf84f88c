import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PUSH } from '../../test/fixtures/payloads.ts'
import { githubHeaders } from '../../test/fixtures/signed.ts'
import type { TestSignalbox } from '../../test/signalbox.ts'
import { openTestSignalbox, SECRET, TOKEN, until } from '../../test/signalbox.ts'
import { cliOf } from '../../test/terminal.ts'

let signalbox: TestSignalbox
let cli: ReturnType<typeof cliOf>
let id: string
beforeAll(async () => {
  signalbox = await openTestSignalbox({ roles: { receiver: true, orchestrator: false } })
  cli = cliOf(signalbox)
  const commit = { message: 'Fix \u001b]0;owned\u0007 日本語' }
  const body = Buffer.from(JSON.stringify({ ...PUSH, ref: 'refs/heads/feature/🚀-日本', head_commit: commit }))
  const headers = githubHeaders(body, { secret: SECRET, token: TOKEN, now: new Date() })
  const response = await fetch(`${signalbox.url}/webhook/github`, { method: 'POST', headers, body })
  id = ((await response.json()) as { event_id: string }).event_id
  await signalbox.api('/webhook/manual', { method: 'POST' })
})
afterAll(() => signalbox.close())

describe('the list of events', () => {
  test('shows what each is about and why nothing followed', async () => {
    const { code, out } = await cli.ask(['events', 'ls'])
    expect(code).toBe(0)
    expect(out).toMatch(/^ID +AGE +SOURCE +TYPE +STATUS +ABOUT +REASON\n/)
    expect(out).toMatch(new RegExp(`^${id} +\\d+s +github +push +ignored +\\S*feature/🚀-日本 +\\S`, 'm'))
    expect(out).toMatch(/ manual +manual +routed +ping$/m)
  })

  test.each([
    [['--status', 'ignored'], ['push']],
    [['--status', 'routed'], ['manual']],
    [['--type', 'pu*'], ['push']],
    [['--source', 'manual'], ['manual']],
    [['--about', 'nothing'], []],
  ])('with %j shows %j', async (filter, types) => {
    const { items } = await cli.json<{ items: { type: string }[] }>(['events', 'ls', ...filter])
    expect(items.map(({ type }) => type)).toEqual(types)
  })
})

describe('the tail of events', () => {
  test('is oldest first, a line each, from a cursor on', async () => {
    const { code, out } = await cli.ask(['events', 'tail', '--after', '0', '--no-follow'])
    expect(code).toBe(0)
    const [push = '', manual = ''] = out.trimEnd().split('\n')
    expect(push).toMatch(/^\S+Z [0-9a-f]{8} {2}push \S*feature\/🚀-日本 from github, ignored: \S/)
    expect(manual).toMatch(/^\S+Z [0-9a-f]{8} {2}manual ping from manual, routed$/)
    const first = await cli.json(['events', 'tail', '--after', '0', '--no-follow', '--type', 'push'])
    expect(first).toMatchObject({ id, cursor: expect.stringMatching(/./) })
    expect(await cli.json(['events', 'tail', '--no-follow', '--after', String(first.cursor)])).toMatchObject({
      type: 'manual',
    })
    expect((await cli.ask(['events', 'tail', '--no-follow'])).out).toBe('')
    expect(await cli.ask(['events', 'tail', '--after', 'x'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('not a cursor'),
    })
  })

  test('goes on with what happens', async () => {
    const other = await openTestSignalbox({ roles: { receiver: true, orchestrator: false } })
    const lines: string[] = []
    const out = (text: string) => {
      lines.push(text)
      if (lines.length === 2) throw new Error('stop')
    }
    const trigger = () => other.api('/webhook/manual', { method: 'POST' })
    await trigger()
    const tailing = cliOf(other).ask(['events', 'tail', '--after', '0'], { out })
    await until('the first is printed', async () => lines.length === 1)
    await trigger()
    await tailing
    expect(lines).toHaveLength(2)
    await other.close()
  })
})

describe('one event', () => {
  test('is shown without what it says, unless asked', async () => {
    const { out } = await cli.ask(['events', 'show', id])
    expect(out).toMatch(/^type +push from github$/m)
    expect(out).toMatch(/^reason +\S/m)
    expect(out).toMatch(/^facts +\{.*"branch":"feature\/🚀-日本"/m)
    expect(out).not.toContain('head_commit')
    expect(await cli.json(['events', 'show', id])).not.toHaveProperty('payload')
  })

  test('is shown with what it says, which cannot control the terminal', async () => {
    const { out } = await cli.ask(['events', 'show', id, '--payload'])
    // JSON escapes a control character itself.
    expect(out).toContain('"message": "Fix \\u001b]0;owned\\u0007 日本語"')
    expect(out).not.toContain('\u001b')
    expect(await cli.json(['events', 'show', id, '--payload'])).toMatchObject({
      payload: { head_commit: { message: 'Fix \u001b]0;owned\u0007 日本語' } },
    })
  })

  test('that was refused says by whom it was sent', async () => {
    const response = await fetch(`${signalbox.url}/webhook/github`, { method: 'POST', body: '{}' })
    expect(response.status).toBe(415)
    const { items } = await cli.json<{ items: { id: string }[] }>(['events', 'ls', '--status', 'rejected'])
    const { out } = await cli.ask(['events', 'show', items[0]?.id ?? ''])
    expect(out).toMatch(/^sent from +\S*127\.0\.0\.1$/m)
  })

  test('that there is not is named', async () => {
    const { code, err } = await cli.ask(['events', 'show', '../jobs'])
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('There is no event "../jobs".') })
  })
})
