// What `/metrics` shows of a service at work, who may read it, and what is left without a database.
import { once } from 'node:events'
import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { openTestDatabase } from '../../test/database.ts'
import { PUSH } from '../../test/fixtures/payloads.ts'
import { githubHeaders } from '../../test/fixtures/signed.ts'
import type { TestSignalbox } from '../../test/signalbox.ts'
import { openTestSignalbox, SECRET, TOKEN, until } from '../../test/signalbox.ts'
import { defineAgent } from '../agents/agent.ts'
import type { Database, Sql } from '../db/database.ts'
import { newId } from '../lib/id.ts'
import { silentLog } from '../lib/log.ts'
import { openExposition } from './exposition.ts'
import { openMeter } from './meter.ts'

const failing = defineAgent({
  name: 'failing',
  description: 'Always fails.',
  input: z.unknown(),
  run: async () => {
    throw new Error('no')
  },
})
const rules = [
  { name: 'one', on: 'push', agent: 'ping' },
  { name: 'two', on: 'push', agent: 'failing' },
]

let signalbox: TestSignalbox
let metricsUrl: string
beforeAll(async () => {
  signalbox = await openTestSignalbox({ config: { rules, agents: [failing] }, env: { METRICS_PORT: '0' } })
  metricsUrl = signalbox.metricsUrl ?? ''
})
afterAll(() => signalbox.close())

const keys = { secret: SECRET, token: TOKEN, now: new Date() }

async function push(deliveryId: string, secret = SECRET): Promise<number> {
  const body = Buffer.from(JSON.stringify({ ...PUSH, deliveryId }))
  const headers = githubHeaders(body, { ...keys, secret }, { 'x-github-delivery': deliveryId })
  const answer = await fetch(`${signalbox.url}/webhook/github`, { method: 'POST', headers, body: new Uint8Array(body) })
  return answer.status
}

async function read(): Promise<string> {
  const answer = await fetch(`${metricsUrl}/metrics`)
  expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  return answer.text()
}

/** The value of a series, such as `name{label="value"}`. */
function seriesOf(text: string, series: string): number | null {
  const line = text.split('\n').find((each) => each.startsWith(`${series} `))
  return line === undefined ? null : Number(line.slice(series.length + 1))
}

describe('the metrics of a service', () => {
  test('count events by source and status, and what was refused by its code', async () => {
    expect(await push('counted')).toBe(200)
    expect(await push('counted')).toBe(200)
    expect(await push('forged', 'x'.repeat(40))).toBe(401)
    const text = await read()
    expect(seriesOf(text, 'signalbox_events_recorded_total{source="github",status="routed"}')).toBe(1)
    expect(seriesOf(text, 'signalbox_events_recorded_total{source="github",status="duplicate"}')).toBe(1)
    expect(seriesOf(text, 'signalbox_events_recorded_total{source="github",status="rejected"}')).toBe(1)
    expect(seriesOf(text, 'signalbox_requests_refused_total{area="webhook",code="signature_invalid"}')).toBe(1)
    expect(seriesOf(text, 'signalbox_commit_events_count')).toBeGreaterThanOrEqual(3)
    expect(seriesOf(text, 'signalbox_commit_seconds_sum')).toBeGreaterThan(0)
  })

  test('count the attempts of jobs by agent and outcome, and time them', async () => {
    await push('worked')
    const text = await until('both jobs were attempted', async () => {
      const now = await read()
      const ended = ['ping",outcome="completed', 'failing",outcome="retried'].map((labels) =>
        seriesOf(now, `signalbox_job_attempts_total{agent="${labels}"}`),
      )
      return ended.every((count) => (count ?? 0) > 0) && now
    })
    expect(seriesOf(text, 'signalbox_job_run_seconds_count{agent="failing",outcome="retried"}')).toBeGreaterThan(0)
    expect(seriesOf(text, 'signalbox_claim_latency_seconds_count{kind="jobs"}')).toBeGreaterThan(1)
    expect(seriesOf(text, 'signalbox_claim_latency_seconds_sum{kind="jobs"}')).toBeGreaterThan(0)
  })

  test('have what the tables say, the connections, and what Node.js says of itself', async () => {
    const text = await read()
    expect(seriesOf(text, 'signalbox_database_up')).toBe(1)
    expect(seriesOf(text, 'signalbox_nodes_alive{role="orchestrator"}')).toBe(1)
    expect(seriesOf(text, 'signalbox_endpoints{status="active"}')).toBe(0)
    expect(seriesOf(text, 'signalbox_database_connections{pool="receiving",state="idle"}')).toBeGreaterThan(0)
    expect(seriesOf(text, 'signalbox_database_connections{pool="retaining",state="used"}')).not.toBeNull()
    expect(seriesOf(text, 'process_resident_memory_bytes')).toBeGreaterThan(1e6)
    expect(seriesOf(text, 'nodejs_eventloop_lag_p99_seconds')).not.toBeNull()
  })
})

describe('who may read them', () => {
  test('on the main port: only with the token of the API', async () => {
    expect((await fetch(`${signalbox.url}/metrics`)).status).toBe(401)
    const answer = await signalbox.api('/metrics')
    expect(answer.status).toBe(200)
    expect(await answer.text()).toContain('signalbox_build_info')
    expect((await signalbox.api('/metrics', { method: 'POST' })).status).toBe(405)
  })

  test('on the port for monitoring: everybody, and there is nothing else but health', async () => {
    expect(await (await fetch(`${metricsUrl}/health`)).json()).toMatchObject({ status: 'healthy' })
    for (const path of ['/api/jobs', '/webhook/github', '/']) {
      expect((await fetch(`${metricsUrl}${path}`)).status).toBe(404)
    }
  })

  test('on the port for monitoring: not to a web page whose own name has this address', async () => {
    const { port } = new URL(metricsUrl)
    for (const path of ['/metrics', '/health']) {
      const [answer] = await once(request({ port, path, headers: { host: `page.example:${port}` } }).end(), 'response')
      expect(answer.resume().statusCode).toBe(404)
      const [local] = await once(request({ port, path, headers: { host: `localhost:${port}` } }).end(), 'response')
      expect(local.resume().statusCode).toBe(200)
    }
  })

  test('an orchestrator has that port too', async () => {
    const roles = { receiver: false, orchestrator: true }
    const { database } = signalbox
    const orchestrator = await openTestSignalbox({ env: { METRICS_PORT: '0' }, roles, database })
    try {
      expect(orchestrator.url).toBe('')
      expect(await (await fetch(`${orchestrator.metricsUrl}/metrics`)).text()).toContain('signalbox_database_up 1')
      expect((await fetch(`${orchestrator.metricsUrl}/health`)).status).toBe(200)
    } finally {
      await orchestrator.close()
    }
  })

  test('a port that is taken is named by its variable', async () => {
    const port = new URL(metricsUrl).port
    const { database } = signalbox
    await expect(openTestSignalbox({ env: { METRICS_PORT: port }, database })).rejects.toMatchObject({
      code: 'config_invalid',
      detail: `Port ${port} is in use: stop the other program, or set METRICS_PORT.`,
    })
  })
})

describe('what is stored', () => {
  function opened(transaction: Database['transaction']) {
    let at = 0
    const { registry, meter } = openMeter()
    const database = { ...signalbox.database, transaction }
    const exposition = openExposition({ registry, database, pools: {}, log: silentLog, now: () => at })
    return { meter, exposition, pass: (ms: number) => (at += ms) }
  }

  test('is left out while the database is away, and the rest is shown', async () => {
    const { meter, exposition } = opened(async () => Promise.reject(new Error('away')))
    meter.refused('api', 'token_invalid')
    const text = await exposition()
    expect(seriesOf(text, 'signalbox_database_up')).toBe(0)
    expect(text).not.toContain('signalbox_jobs_pending')
    expect(seriesOf(text, 'signalbox_requests_refused_total{area="api",code="token_invalid"}')).toBe(1)
  })

  test('is left out in parts where only one of them cannot be read', async () => {
    const broken: Sql['query'] = async (text) => {
      if (text.includes('signalbox.jobs')) throw new Error('took too long')
      return signalbox.database.query(text) as never
    }
    const text = await opened((run) => run({ query: broken })).exposition()
    expect(seriesOf(text, 'signalbox_database_up')).toBe(1)
    expect(text).not.toContain('signalbox_jobs_pending')
    expect(seriesOf(text, 'signalbox_deliveries_pending')).toBe(0)
  })

  test('is read once for all who ask within some seconds, and more rarely the longer it takes', async () => {
    let reads = 0
    let tookMs = 0
    const { exposition, pass } = opened((run) => {
      reads += run.name === 'ping' ? 1 : 0
      pass(run.name === 'ping' ? tookMs : 0)
      return signalbox.database.transaction(run)
    })
    await Promise.all([exposition(), exposition(), exposition()])
    await exposition()
    expect(reads).toBe(1)
    pass(5_000)
    tookMs = 1_000
    await exposition()
    expect(reads).toBe(2)
    pass(19_999)
    await exposition()
    expect(reads).toBe(2)
    pass(1)
    await exposition()
    expect(reads).toBe(3)
  })

  test('counts what is paused, gaps of a day by what became of them, and webhooks that cannot be read', async () => {
    const database = await openTestDatabase()
    try {
      await database.query(`insert into signalbox.pauses (kind, name, reason) values ('source', 'github', 'x')`)
      await database.query(
        `insert into signalbox.rule_states (rule, paused_at, reason) values ('r', now(), 'x'), ('s', null, null)`,
      )
      await database.query(
        `insert into signalbox.hook_cursors (hook, problem) values ('a', null), ('b', 'The token may not do that.')`,
      )
      for (const [outcomes, reason, ageHours] of [
        [['recovered', 'lost'], null, 1],
        [[], 'Older than GitHub keeps it.', 1],
        [['pending', 'recovered'], null, 1],
        [['recovered', 'arrived'], null, 1],
        [['lost'], null, 25],
      ] as const) {
        await database.query(
          `with gap as (
             insert into signalbox.gaps (id, hook, began_at, ended_at, reason, found_at)
             values (gen_random_uuid(), 'a', now(), now(), $2, now() - $3 * interval '1 hour') returning id
           )
           insert into signalbox.gap_deliveries (hook, guid, gap_id, type, sent_at, status, outcome)
           select 'a', gen_random_uuid()::text, gap.id, 'push', now(), 502, outcome from gap, unnest($1::text[]) as outcome`,
          [outcomes, reason, ageHours],
        )
      }
      const { registry } = openMeter()
      const text = await openExposition({ registry, database, pools: {}, log: silentLog })()
      const of = (name: string) =>
        Object.fromEntries(
          [...text.matchAll(new RegExp(`^signalbox_${name}\\{\\w+="(\\w+)"\\} (\\d+)$`, 'gm'))].map(([, label, n]) => [
            label,
            Number(n),
          ]),
        )
      expect(of('paused')).toEqual({ everything: 0, source: 1, rule: 1, endpoint: 0 })
      expect(of('gaps')).toEqual({ lost: 2, pending: 1, closed: 1 })
      expect(seriesOf(text, 'signalbox_hooks_unread')).toBe(1)
    } finally {
      await database.close()
    }
  })

  test('says that the database answers again within seconds, however long it did not', async () => {
    let isAway = true
    const { exposition, pass } = opened((run) => {
      if (!isAway) return signalbox.database.transaction(run)
      pass(5_000)
      return Promise.reject(new Error('took too long'))
    })
    expect(seriesOf(await exposition(), 'signalbox_database_up')).toBe(0)
    isAway = false
    pass(5_000)
    expect(seriesOf(await exposition(), 'signalbox_database_up')).toBe(1)
  })

  test('counts what is due: not what is put off, left alone, or paused', async () => {
    const database = await openTestDatabase()
    try {
      const [event, active, paused, open] = [newId(), newId(), newId(), newId()]
      await database.query(
        `insert into signalbox.events (id, source, delivery_id, type, status) values ($1, 's', 'd', 't', 'routed')`,
        [event],
      )
      await database.query(
        `insert into signalbox.jobs (id, event_id, rule, type, agent, input, priority, max_attempts, time_limit_ms,
           status, available_at)
         select gen_random_uuid(), $1, 'r', type, 'a', '{}', 5, 3, 1000, status, now() + due * interval '1 s'
         from (values ('review', 'pending', -100), ('review', 'pending', 100), ('deploy', 'pending', -10),
           ('deploy', 'waiting', 1000), ('deploy', 'running', 30)) as j (type, status, due)`,
        [event],
      )
      await database.query(
        `insert into signalbox.endpoints (id, name, url, secrets, events, origin, status)
         select id, 'e' || n, 'https://example.com/', '[]', '{*}', 'api', status
         from unnest($1::uuid[], $2::text[]) with ordinality as e (id, status, n)`,
        [
          [active, paused, open],
          ['active', 'paused', 'active'],
        ],
      )
      await database.query(
        `insert into signalbox.endpoint_health (endpoint_id, state)
         select id, case when id = $1 then 'open' else 'closed' end from signalbox.endpoints
         on conflict (endpoint_id) do update set state = excluded.state`,
        [open],
      )
      await database.query(
        `insert into signalbox.deliveries (id, event_id, endpoint_id, max_attempts, available_at)
         select gen_random_uuid(), $1, id, 8, now() - interval '50 s' from signalbox.endpoints`,
        [event],
      )
      const { registry } = openMeter()
      const text = await openExposition({ registry, database, pools: {}, log: silentLog })()
      const about = (name: string) => text.split('\n').filter((line) => line.startsWith(`signalbox_${name}`))
      expect(about('jobs_pending')).toEqual([
        'signalbox_jobs_pending{type="deploy"} 1',
        'signalbox_jobs_pending{type="review"} 2',
      ])
      expect(about('jobs_due')).toEqual(['signalbox_jobs_due{type="deploy"} 1', 'signalbox_jobs_due{type="review"} 1'])
      expect(seriesOf(text, 'signalbox_jobs_waiting{type="deploy"}')).toBe(1)
      expect(seriesOf(text, 'signalbox_jobs_running{type="deploy"}')).toBe(1)
      expect(seriesOf(text, 'signalbox_jobs_oldest_due_seconds')).toBeGreaterThanOrEqual(100)
      expect(seriesOf(text, 'signalbox_deliveries_pending')).toBe(3)
      expect(seriesOf(text, 'signalbox_deliveries_due')).toBe(1)
      expect(seriesOf(text, 'signalbox_deliveries_oldest_due_seconds')).toBeGreaterThanOrEqual(50)
      expect(seriesOf(text, 'signalbox_endpoint_breakers{state="open"}')).toBe(1)
      expect(seriesOf(text, 'signalbox_endpoints{status="paused"}')).toBe(1)
    } finally {
      await database.close()
    }
  })
})
