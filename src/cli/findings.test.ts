// What reviews found, on a server: listed, shown, dismissed, and how often each category was right.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TestSignalbox } from '../../test/signalbox.ts'
import { openTestSignalbox } from '../../test/signalbox.ts'
import { cliOf } from '../../test/terminal.ts'
import { storeTestFindings } from '../findings/fixtures/stored.ts'

let signalbox: TestSignalbox
let cli: ReturnType<typeof cliOf>
beforeAll(async () => {
  signalbox = await openTestSignalbox({ roles: { receiver: true, orchestrator: false } })
  await storeTestFindings(signalbox.database)
  cli = cliOf(signalbox)
})
afterAll(() => signalbox.close())

async function idOf(category: string): Promise<string> {
  const { items } = await cli.json<{ items: { id: string }[] }>(['findings', '--category', category])
  return items[0]?.id ?? ''
}

test('findings are listed, and shown by the number of their pull request', async () => {
  const { out } = await cli.ask(['findings', 'ls', '--repository', 'acme/shop', '--pull-request', '#7'])
  expect(out).toMatch(/acme\/shop#7 +open +high +secret +src\/a\.ts:3 +A GitHub token is committed/)
  expect((await cli.ask(['findings', '--status', 'resolved'])).out).toBe('There are no such findings.\n')
  expect((await cli.ask(['findings', 'ls', '--pull-request', 'x'])).code).toBe(2)
  const shown = await cli.ask(['findings', 'show', await idOf('secret')])
  expect(shown.out).toMatch(/^finding .*cost to check +low\n.*\n\nA GitHub token is committed\n\nRevoke it\.\n$/s)
})

test('one is dismissed with a reason, which counts for its category', async () => {
  const id = await idOf('debug')
  const { code, out } = await cli.ask(['findings', 'dismiss', id, '--reason', 'It is wanted.'])
  expect([code, out]).toEqual([0, expect.stringMatching(/^Finding \S+ is dismissed in acme\/shop\.\n$/)])
  expect((await cli.ask(['findings', 'show', id.slice(-8)])).out).toMatch(/status +dismissed\nreason +It is wanted\./)
  expect((await cli.ask(['findings', 'precision'])).out.split('\n')).toEqual([
    'REPOSITORY  CATEGORY  ACCEPTED  DISMISSED  OPEN  SHARE  MUTED',
    'acme/shop   debug     0         1          0     0 %',
    'acme/shop   secret    0         0          1',
    '',
  ])
})
