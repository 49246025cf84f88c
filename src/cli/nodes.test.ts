// The nodes of a server: listed, shown with what they run, compared, and drained.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TestSignalbox } from '../../test/signalbox.ts'
import { openTestSignalbox, until } from '../../test/signalbox.ts'
import { cliOf } from '../../test/terminal.ts'
import { newId } from '../lib/id.ts'

let signalbox: TestSignalbox
let cli: ReturnType<typeof cliOf>
beforeAll(async () => {
  signalbox = await openTestSignalbox({})
  cli = cliOf(signalbox)
})
afterAll(() => signalbox.close())

async function ownId(): Promise<string> {
  const { items } = await cli.json<{ items: { id: string; version: string }[] }>(['nodes', 'ls'])
  return items.find(({ version }) => version !== '0.0.1')?.id ?? ''
}

function addNode(status: string, silentS: number): Promise<unknown> {
  return signalbox.database.query(
    `insert into signalbox.nodes (id, host, pid, roles, slots, status, version, started_at, heartbeat_at)
     values ($1, 'elsewhere', 7, '{orchestrator}', 3, $2, '0.0.1', now() - interval '1 day', now() - $3 * interval '1 s')`,
    [newId(), status, silentS],
  )
}

test('a node says by itself who it is, what it may do and what it runs by', async () => {
  const { code, out } = await cli.ask(['nodes', 'show', (await ownId()).slice(-8)])
  expect(code).toBe(0)
  expect(out).toMatch(new RegExp(`host +\\S+, process ${process.pid}\\n`))
  expect(out).toMatch(/roles +receiver, orchestrator\nstatus +(idle|running)\nslots +\d+\nagents +.*ping/)
  expect(out).toMatch(/schema +\d{4}-[\w-]+\.sql\nconfiguration +[0-9a-f]{64}\n/)
  expect(out).toMatch(/last heartbeat +\S+Z \(\d+s ago, dead after 30s\)\n/)
})

test('one that is silent is shown as dead, those that have stopped only when asked for, and live ones are compared', async () => {
  await addNode('running', 60)
  await addNode('stopped', 60)
  const { out, err } = await cli.ask(['nodes'])
  expect([out, err]).toEqual([expect.stringMatching(/dead +elsewhere:7 +orchestrator +0\/3 +0 +0\.0\.1/), ''])
  expect(out).not.toContain('stopped')
  expect((await cli.ask(['nodes', 'ls', '--all'])).out).toMatch(/stopped +elsewhere:7/)
  await addNode('idle', 1)
  expect((await cli.ask(['nodes'])).err).toMatch(
    /^warning: Live nodes run different versions of the program: 0\.0\.1 \(/,
  )
})

test('nodes of an older version are drained together, or one by its id, which the process sees by itself', async () => {
  expect((await cli.ask(['nodes', 'drain', '--older'])).out).toMatch(/^1 node asked to drain: \w{8} on elsewhere\. /)
  expect((await cli.ask(['nodes', 'drain', '--older'])).out).toBe(
    'All live nodes run what the one that started last does.\n',
  )
  const { code, err } = await cli.ask(['nodes', 'drain'])
  expect([code, err]).toEqual([2, expect.stringContaining('Give the id of a node, or --older.')])
  expect((await cli.ask(['nodes', 'drain', await ownId()])).out).toMatch(/^1 node asked to drain: /)
  let reason: string | undefined
  void signalbox.drained.then((given) => {
    reason = given
  })
  await until('the node has seen it', async () => reason !== undefined)
  expect(reason).toBe('it was asked to drain')
})
