// What rules promise of how many jobs run at a time, in two processes of which one may be killed.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Database } from '../src/db/database.ts'
import { newId } from '../src/lib/id.ts'
import type { Rule } from '../src/rules/rule.ts'
import type { Entry } from './chaos/journal.ts'
import { monotonicMs, openJournal, readJournal } from './chaos/journal.ts'
import { openTestDatabase } from './database.ts'
import type { ProcessOptions } from './fixtures/concurrency/process.ts'
import { githubHeaders } from './fixtures/signed.ts'
import { openTestFolder } from './folder.ts'
import type { Service } from './process.ts'
import { kill, startService } from './process.ts'
import { SECRET, spread, TOKEN, until } from './signalbox.ts'

const SCRIPT = fileURLToPath(new URL('fixtures/concurrency/process.ts', import.meta.url))
const SLOTS = 16
const LEASE_MS = 2000

let database: Database
let journal: string
let services: Service[]
beforeEach(async () => {
  database = await openTestDatabase()
  journal = join(await openTestFolder(), 'journal')
  openJournal(journal).close()
  services = []
})
afterEach(async () => {
  await Promise.all(services.map(({ child }) => kill(child)))
  await database.close()
})

async function start(rules: Rule[]): Promise<Service> {
  const options: ProcessOptions = { databaseUrl: database.url, journal, leaseMs: LEASE_MS, slots: SLOTS, rules }
  const service = await startService(SCRIPT, options)
  services.push(service)
  return service
}

async function push(service: Service | undefined, branch: string, { sha = '0'.repeat(40), workMs = 0 } = {}) {
  const payload = {
    ref: `refs/heads/${branch}`,
    after: sha,
    before: '1'.repeat(40),
    repository: { full_name: 'acme/shop', pushed_at: Math.floor(Date.now() / 1000) },
    work_ms: workMs,
  }
  const body = Buffer.from(JSON.stringify(payload))
  const headers = githubHeaders(
    body,
    { secret: SECRET, token: TOKEN, now: new Date() },
    { 'x-github-delivery': newId() },
  )
  const answer = await fetch(`${service?.url}/webhook/github`, { method: 'POST', headers, body })
  expect(answer.status, await answer.text()).toBeLessThan(300)
}

async function allEnded(): Promise<void> {
  const open = 'select from signalbox.jobs where finished_at is null limit 1'
  await until('every job has ended', async () => (await database.query(open)).rows.length === 0)
}

/** How many runs of a group were under way after each of its records, and when. */
function underWay(entries: readonly Entry[], group: string): { at: number; count: number }[] {
  let count = 0
  return entries.flatMap((entry) => {
    if (!('group' in entry) || entry.group !== group) return []
    count += entry.what === 'begin' ? 1 : -1
    return [{ at: entry.at, count }]
  })
}

test('of a limit of three, two processes of 16 slots never run more than three, and three while there is work', async () => {
  const rules: Rule[] = [{ name: 'limited', on: 'push', agent: 'worker', concurrency: { key: '{branch}', limit: 3 } }]
  const both = [await start(rules), await start(rules)]
  // Three of each of seven groups are more than the slots of one process.
  const others = Array.from({ length: 6 }, (_, i) => `other-${i}`)
  const branches = Array.from({ length: 120 }, (_, i) => (i % 2 === 0 ? 'busy' : (others[(i % 12) >> 1] ?? '')))
  await spread([...branches.entries()], 8, ([i, branch]) =>
    push(both[(i >> 1) % 2], branch, { sha: sha(i), workMs: 150 + (i % 7) * 25 }),
  )
  const allThereAt = monotonicMs()
  await allEnded()
  const entries = readJournal(journal)
  expect(new Set(entries.map(({ pid }) => pid)).size).toBe(2)
  const counts = underWay(entries, 'busy')
  expect(counts).toHaveLength(2 * 60)
  expect(Math.max(...counts.map(({ count }) => count))).toBe(3)
  for (const other of others) {
    expect(Math.max(...underWay(entries, other).map(({ count }) => count))).toBeLessThanOrEqual(3)
  }
  // While at least three are left: a slot that is free is taken at once.
  const busy = counts.filter(({ at }) => at > allThereAt).slice(0, -10)
  const lasted = (at: number) => (busy[at + 1]?.at ?? 0) - (busy[at]?.at ?? 0)
  const work = busy.slice(0, -1).reduce((sum, { count }, at) => sum + count * lasted(at), 0)
  const whole = (busy.at(-1)?.at ?? 0) - (busy[0]?.at ?? 0)
  // The rest of the time one job ends and the next begins, which on a busy machine takes as long.
  expect(work / whole).toBeGreaterThan(1.2)
})

const LATEST: Rule[] = [
  { name: 'review', on: 'push', agent: 'worker', concurrency: { key: '{branch}', mode: 'latest' } },
]

type Job = { id: string; status: string; sha: string; error: string | null }

async function jobsOf(branch: string): Promise<Job[]> {
  const { rows } = await database.query<Job>(
    `select j.id, j.status, j.error, e.facts ->> 'sha' as sha from signalbox.jobs j
     join signalbox.events e on e.id = j.event_id where e.facts ->> 'branch' = $1 order by e.id`,
    [branch],
  )
  return rows
}

function sha(n: number): string {
  return n.toString(16).padStart(40, '0')
}

/** What must be left of six pushes: the work for the last of them. */
async function expectTheLatestOnly(branch: string): Promise<void> {
  const jobs = await jobsOf(branch)
  expect(jobs.map((job) => [job.sha, job.status])).toEqual([
    ...[1, 2, 3, 4, 5].map((n) => [sha(n), 'cancelled']),
    [sha(6), 'completed'],
  ])
  const ids = new Set(jobs.map(({ id }) => id))
  for (const { error } of jobs.slice(0, -1)) {
    const by = /^Superseded by job (\S+)\.$/.exec(error ?? '')?.[1]
    expect(ids).toContain(by)
  }
}

test('of six pushes in a burst one job is finished, for the newest commit, and the running one stops long before it is done', async () => {
  const both = [await start(LATEST), await start(LATEST)]
  await push(both[0], 'main', { sha: sha(1), workMs: 30_000 })
  await until('the first runs', async () => readJournal(journal).some(({ what }) => what === 'begin'))
  const at = monotonicMs()
  for (const n of [2, 3, 4, 5, 6]) await push(both[n % 2], 'main', { sha: sha(n), workMs: n === 6 ? 100 : 30_000 })
  await allEnded()
  await expectTheLatestOnly('main')
  const [stopped] = readJournal(journal).filter(({ what }) => what === 'end')
  // Within two seconds, on a machine with nothing else to do.
  expect((stopped?.at ?? 0) - at).toBeLessThan(15_000)
})

test('a process that is killed in the middle of the burst changes nothing of that', async () => {
  let both = [await start(LATEST), await start(LATEST)]
  for (const killedAfter of [1, 3, 5, 6]) {
    const branch = `round-${killedAfter}`
    for (let n = 1; n <= 6; n++) {
      await push(both[n % 2], branch, { sha: sha(n), workMs: n === 6 ? 1000 : 30_000 })
      if (n !== killedAfter) continue
      const begun = await until('one of them runs', async () =>
        readJournal(journal).findLast((entry) => entry.what === 'begin' && entry.group === branch),
      )
      const victim = both.find(({ child }) => child.pid === begun?.pid)
      if (victim === undefined) throw new Error('nobody runs it')
      await kill(victim.child)
      both = [...both.filter((each) => each !== victim), await start(LATEST)]
    }
    await allEnded()
    await expectTheLatestOnly(branch)
  }
})
