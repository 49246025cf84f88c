// A database as years of use leave it: nearly everything is done.
import type { Pool } from 'pg'

/** How many rows of each kind. */
export type Sizes = { events: number; jobs: number; deliveries: number }

const ENDPOINTS = 200
// Of one in so many events; `n` is its number.
const JOB_STATUS = `case when n % 2000 = 10 then 'pending' when n % 5000 = 5 then 'waiting' when n % 350 = 15 then 'failed'
  when n % 1000 = 20 then 'cancelled' else 'completed' end`
const DELIVERY_STATUS = `case when n % 1500 = 2 then 'pending' when n % 700 = 4 then 'failed'
  when n % 2000 = 6 then 'skipped' else 'succeeded' end`

/** Fills the tables, oldest first. Ids are ordered by time, as the service makes them. */
export async function fill(pool: Pool, { events, jobs, deliveries }: Sizes): Promise<void> {
  await pool.query(
    `insert into signalbox.endpoints (id, name, url, secrets, events, origin)
     select gen_random_uuid(), 'endpoint ' || n, 'https://receiver.example.com/' || n, '[]', '{*}', 'api'
     from generate_series(1, ${ENDPOINTS}) n`,
  )
  await pool.query(
    `insert into signalbox.events (id, source, delivery_id, type, status, reason, subject, actor, facts, body, content_type,
       received_at, position)
     select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7000' || '8000' || lpad(to_hex(n), 12, '0'))::uuid,
       case when n % 10 = 9 then 'signalbox' else 'github' end, 'delivery-' || n,
       case when n % 10 = 9 then 'job.completed' when n % 20000 = 7 then 'release.published'
         when n % 10 = 3 then 'pull_request.synchronize' when n % 10 = 4 then 'issues.labeled' else 'push' end,
       case when n % 100 = 99 then 'rejected' when n % 5 = 0 or n % 2 = 0 then 'routed' else 'ignored' end,
       case when n % 100 = 99 then 'signature_invalid' when n % 5 = 0 or n % 2 = 0 then null else 'no rule is for it' end,
       'acme/repository-' || n % 300 || case when n % 10 in (3, 4) then '#' || n % 5000 else '' end, 'person-' || n % 100,
       json_build_object('repository', 'acme/repository-' || n % 300, 'branch', 'main', 'sha', md5(n::text) || '00000000',
         'number', n % 5000),
       convert_to(json_build_object('ref', 'refs/heads/main', 'n', n, 'filler', repeat(md5(n::text), 10))::text, 'UTF8'),
       'application/json', at, 1 + n / 30
     from (select n, now() - (${events} - n) * interval '10 seconds' as at from generate_series(1, ${events}) n) as numbered`,
  )
  const every = Math.max(1, Math.floor(events / jobs))
  await pool.query(
    `insert into signalbox.jobs (id, event_id, rule, type, agent, input, priority, max_attempts, time_limit_ms, status,
       error, created_at, available_at, started_at, finished_at, group_key, attempt)
     select gen_random_uuid(), id, 'rule-' || n % 12, 'github_push', 'agent-' || n % 5, '{}', 1 + n % 10, 5, 900000, status,
       case when status = 'failed' then 'It did not work.' end, received_at,
       case when status in ('pending', 'waiting') then now() + interval '1 day' else received_at end,
       case when status <> 'pending' then received_at end,
       case when status in ('completed', 'failed', 'cancelled') then received_at + interval '3 seconds' end,
       'group-' || n % 997, case when status = 'pending' then 0 else 1 end
     from (select id, received_at, split_part(delivery_id, '-', 2)::int as n from signalbox.events) as e
     cross join lateral (select ${JOB_STATUS} as status) as s where n % ${every} = 0`,
  )
  await pool.query(
    `insert into signalbox.job_attempts (job_id, attempt, owner, outcome, error, started_at, finished_at)
     select id, 1, gen_random_uuid(), status, error, started_at, finished_at from signalbox.jobs
     where status in ('completed', 'failed', 'cancelled')`,
  )
  await pool.query(
    `insert into signalbox.job_log (job_id, attempt, line)
     select id, 1, 'line ' || n || ' of the log' from signalbox.jobs cross join generate_series(1, 3) n`,
  )
  const each = Math.max(1, Math.floor(events / deliveries))
  await pool.query(
    `insert into signalbox.deliveries (id, event_id, endpoint_id, max_attempts, status, error, created_at, available_at,
       started_at, finished_at, attempt)
     select gen_random_uuid(), e.id, p.id, 10, status, case when status = 'failed' then 'http_500' end, received_at,
       case when status = 'pending' then now() + interval '1 day' else received_at end,
       case when status <> 'pending' then received_at end,
       case when status <> 'pending' then received_at + interval '1 second' end, case when status = 'pending' then 0 else 1 end
     from (select id, received_at, split_part(delivery_id, '-', 2)::int as n from signalbox.events) as e
     join (select id, row_number() over (order by id) as nth from signalbox.endpoints) as p on p.nth = 1 + e.n % ${ENDPOINTS}
     cross join lateral (select ${DELIVERY_STATUS} as status) as s where n % ${each} = 0`,
  )
  await pool.query(
    `insert into signalbox.delivery_attempts (delivery_id, attempt, owner, outcome, status_code, started_at, finished_at)
     select id, 1, gen_random_uuid(), case when status = 'succeeded' then 'completed' else 'failed' end, 200, started_at, finished_at
     from signalbox.deliveries where status in ('succeeded', 'failed')`,
  )
  await pool.query(
    `insert into signalbox.findings (id, repository, pull_request, fingerprint, reviewer, category, severity, confidence,
       cost, path, side, title, body, first_sha, last_sha, status, created_at)
     select gen_random_uuid(), 'acme/repository-' || n % 300, 1 + n % 5000, 'f' || n, 'rules', 'c' || n % 20, 'low', 1, 'low',
       'p', 'RIGHT', 't', 'b', 's', 's', case when n % 9 = 0 then 'dismissed' else 'resolved' end, now() - n * interval '1 minute'
     from generate_series(1, ${Math.ceil(jobs / 2)}) n`,
  )
  await pool.query(
    `insert into signalbox.deployments (id, project_id, app_name, variant_name, variant_id, environment, revision, config,
       config_sha256, config_diff, deployed_by, sequence, request_sha256, event_id, created_at)
     select gen_random_uuid(), 'project', 'app-' || n % 50, 'v', 'v', 'production', n, '{}', md5(n::text), '{}', 'jane',
       n, md5(n::text), gen_random_uuid(), now() - n * interval '1 minute' from generate_series(1, ${Math.ceil(jobs / 10)}) n`,
  )
  await pool.query('vacuum analyze')
}
