// Gaps as people see them: listed, shown and looked for, and what the doctor says of them.
import type { FakeGithub } from '@signalbox/fake-github'
import { openFakeGithub } from '@signalbox/fake-github'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TestSignalbox } from '../../test/signalbox.ts'
import { openTestSignalbox, SECRET } from '../../test/signalbox.ts'
import { cliOf } from '../../test/terminal.ts'
import { readEnvironment } from '../lib/environment.ts'
import { gapsChecks } from './doctor/gaps.ts'

let github: FakeGithub
let signalbox: TestSignalbox
let cli: ReturnType<typeof cliOf>
let hook: string
let env: Record<string, string>

beforeAll(async () => {
  github = await openFakeGithub()
  const repository = await github.addRepository({ owner: 'acme', name: 'shop', files: { 'README.md': '# Shop\n' } })
  hook = `repos/acme/shop/hooks/${await repository.addWebhook({ url: 'http://127.0.0.1:9/webhook/github' })}`
  env = {
    GITHUB_WEBHOOK_SECRET: SECRET,
    GITHUB_TOKEN: github.addToken({ login: 'acme' }),
    GITHUB_API_URL: github.apiUrl,
    GITHUB_HOOKS: hook,
  }
  signalbox = await openTestSignalbox({ env, roles: { receiver: true, orchestrator: false } })
  cli = cliOf(signalbox)
  // The first look says from when on webhooks concern this server.
  expect((await cli.ask(['gaps', 'check'])).code).toBe(0)
  await repository.openIssue({ title: 'One' })
  await repository.openIssue({ title: 'Two' })
  await github.settled()
})
afterAll(async () => {
  await signalbox?.close()
  await github?.close()
})

function doctor(changes: Record<string, string | undefined> = {}) {
  return gapsChecks(signalbox.database, readEnvironment({ ...env, ...changes }))
}

test('a check says what is missing, fetches it, and then finds nothing', async () => {
  const dry = await cli.ask(['gaps', 'check', '--dry-run'])
  expect(dry.out).toMatch(/: \d attempts since \S+Z, 2 missing: 2 to be fetched\nNothing was changed\.\n$/)
  expect((await cli.ask(['gaps', 'check'])).out).toMatch(/^repos\/acme\/shop\/hooks\/\d+: .* 2 missing: 2 recovered\n$/)
  expect((await cli.ask(['gaps', 'check'])).out).toMatch(/nothing is missing\n$/)
})

test('a gap is listed, and shown with what was missed', async () => {
  const { out } = await cli.ask(['gaps', 'ls'])
  expect(out).toMatch(/MISSED +RECOVERED +MATCHED +LOST +WEBHOOK\n.* 2 +2 +0 +0 +repos\/acme\/shop\/hooks\/\d+\n$/)
  const [{ id }] = (await cli.json<{ items: [{ id: string }] }>(['gaps', '--hook', hook])).items
  const shown = await cli.ask(['gaps', 'show', id.slice(0, 8)])
  expect(shown.out).toMatch(/not acknowledged +2\nrecovered +2\n/)
  expect(shown.out.match(/issues\.opened +502 +recovered/g)).toHaveLength(2)
  expect((await cli.ask(['gaps', 'show', 'ffffffff'])).code).toBe(1)
  expect((await cli.ask(['gaps', 'hooks'])).out).toMatch(
    /^WEBHOOK +LOOKED +PROBLEM\nrepos\/acme\/shop\/hooks\/\d+ +\d+s\n$/,
  )
})

test('an event that was fetched says so, and where nothing reached us the gap is named', async () => {
  const { items } = await cli.json<{ items: { id: string; recovered_at: string | null }[] }>(['events', 'ls'])
  const fetched = items.find(({ recovered_at }) => recovered_at !== null)?.id ?? ''
  expect((await cli.ask(['events', 'show', fetched])).out).toMatch(/recovered +by a check for gaps, because/)
  expect((await cli.ask(['why', fetched])).out).toContain('It had not arrived by itself: a check for gaps recorded it.')
  const { out } = await cli.ask(['why', 'acme/shop#4711'])
  expect(out).toMatch(/received are looked for by: signalbox gaps check\. The last time found is \S+Z to \S+Z: /)
})

test('nothing that stands open is without its jobs where no rule is for it', async () => {
  expect((await cli.ask(['gaps', 'level'])).out).toBe('Everything that stands open has its jobs.\n')
})

test('the doctor says what is not looked at, and what was lost', async () => {
  expect(await doctor()).toMatchObject([{ status: 'ok', detail: expect.stringContaining(`${hook}: looked at`) }])
  expect(await doctor({ GITHUB_HOOKS: undefined })).toMatchObject([
    { status: 'warning', hint: expect.stringContaining('Set SIGNALBOX_PUBLIC_URL') },
  ])
  expect(await doctor({ GITHUB_TOKEN: undefined })).toMatchObject([{ hint: expect.stringContaining('GITHUB_TOKEN') }])
  expect(await doctor({ GITHUB_GAPS_INTERVAL_SECONDS: '0' })).toMatchObject([{ status: 'warning' }])
  await signalbox.database.query("update signalbox.hook_cursors set problem = 'The token may not do that.'")
  await signalbox.database.query("update signalbox.gap_deliveries set outcome = 'lost', reason = 'It is gone.'")
  expect(await doctor()).toMatchObject([
    { status: 'warning', detail: `${hook}: The token may not do that.` },
    { status: 'warning', detail: expect.stringContaining('2 lost') },
  ])
})
