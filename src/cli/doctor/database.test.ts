// The doctor on a database in which something is not as it should be.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openTestDatabase } from '../../../test/database.ts'
import { ENCRYPTION_KEY } from '../../../test/keys.ts'
import type { Database } from '../../db/database.ts'
import { createEndpoint } from '../../endpoints/change.ts'
import { answerGone } from '../../endpoints/fixtures/gone.ts'
import { resealSecrets } from '../../endpoints/reseal.ts'
import { openSeal } from '../../endpoints/seal.ts'
import { systemClock } from '../../lib/clock.ts'
import { readEnvironment } from '../../lib/environment.ts'
import { newId } from '../../lib/id.ts'
import { silentLog } from '../../lib/log.ts'
import { EVERYTHING, pause, resume } from '../../pauses/pauses.ts'
import { pauseRule } from '../../rules/states.ts'
import { databaseChecks } from './database.ts'

const seal = openSeal([ENCRYPTION_KEY])
let database: Database
beforeAll(async () => {
  database = await openTestDatabase()
})
afterAll(() => database.close())
beforeEach(async () => {
  await database.query('truncate signalbox.jobs, signalbox.deliveries, signalbox.endpoints, signalbox.nodes cascade')
})

async function check(name: string) {
  const checks = await databaseChecks(readEnvironment({ DATABASE_URL: database.url }))
  return checks.find((each) => each.name === name)
}

function addJob(status: string, available: string): Promise<unknown> {
  return database.query(
    `insert into signalbox.jobs (id, rule, type, agent, input, priority, max_attempts, time_limit_ms, status,
       available_at)
     values ($1, 'r', 't', 'a', '{}', 5, 5, 900000, $2, now() + $3::interval)`,
    [newId(), status, available],
  )
}

function addOrchestrator(status: string, heartbeat: string): Promise<unknown> {
  return database.query(
    `insert into signalbox.nodes (id, host, pid, slots, status, heartbeat_at, roles)
     values ($1, 'here', 1, 4, $2, now() + $3::interval, '{orchestrator}')`,
    [newId(), status, heartbeat],
  )
}

describe('orchestrators', () => {
  test('that are at work are counted, with the last heartbeat', async () => {
    await addOrchestrator('idle', '-5 seconds')
    await addOrchestrator('running', '-20 seconds')
    expect(await check('orchestrator')).toMatchObject({
      status: 'ok',
      detail: expect.stringMatching(/^2 orchestrators at work, last heartbeat \ds ago$/),
    })
  })

  test.each([
    ['stopped', '-5 seconds'],
    ['running', '-10 minutes'],
  ])('that %s, their last heartbeat %s, are not', async (status, heartbeat) => {
    await addOrchestrator(status, heartbeat)
    expect(await check('orchestrator')).toMatchObject({
      status: 'warning',
      detail: expect.stringMatching(/^none is running; last heartbeat \d+[sm] ago$/),
      hint: expect.stringContaining('signalbox dev'),
    })
  })
})

test('nodes that are alive and run different versions are named', async () => {
  await addOrchestrator('idle', '-5 seconds')
  await addOrchestrator('idle', '-5 seconds')
  expect(await check('nodes')).toMatchObject({ status: 'ok' })
  await addOrchestrator('idle', '-4 seconds')
  await database.query(
    `update signalbox.nodes set version = '1.0.0' where heartbeat_at > now() - interval '4.5 seconds'`,
  )
  expect(await check('nodes')).toMatchObject({
    status: 'warning',
    detail: expect.stringMatching(
      /^Live nodes run different versions of the program: 1\.0\.0 \(\w+ on here\), unknown \(/,
    ),
    hint: expect.stringContaining('signalbox nodes drain --older'),
  })
})

test('jobs that wait for an agent that no running orchestrator has are counted by agent', async () => {
  await addJob('pending', '-1 second')
  await addJob('pending', '1 hour')
  await addOrchestrator('idle', '-5 seconds')
  expect(await check('agents of jobs')).toMatchObject({
    status: 'warning',
    detail: 'due, but no running orchestrator has their agent: 1 job of "a"',
  })
  await database.query(`update signalbox.nodes set agents = '{a}'`)
  expect(await check('agents of jobs')).toMatchObject({ status: 'ok' })
})

describe('jobs', () => {
  test('that run, wait for their time or have ended are not stuck', async () => {
    await addJob('running', '30 seconds')
    await addJob('pending', '1 hour')
    await addJob('pending', '-9 minutes')
    await addJob('completed', '-1 day')
    expect(await check('jobs')).toMatchObject({ status: 'ok', detail: 'none is stuck' })
  })

  test('whose process died are stuck, and the hint says which', async () => {
    await addJob('running', '-2 minutes')
    expect(await check('jobs')).toMatchObject({
      status: 'warning',
      detail: '1 were left by a process that died',
      hint: expect.stringContaining('signalbox jobs ls --status running'),
    })
  })

  test('that no worker takes are stuck, and the hint says which', async () => {
    for (let n = 0; n < 3; n++) await addJob('pending', '-11 minutes')
    expect(await check('jobs')).toMatchObject({
      detail: '3 have been due for ten minutes',
      hint: expect.stringContaining('signalbox jobs ls --status pending'),
    })
  })
})

describe('endpoints', () => {
  async function addEndpoint(name: string, delivery: { status: string; failures: number } | null): Promise<string> {
    const { endpoint } = await createEndpoint({ database, seal }, { url: 'https://example.com', name })
    if (delivery !== null) await addDelivery(endpoint.id, delivery)
    return endpoint.id
  }
  async function addDelivery(endpointId: string, { status, failures }: { status: string; failures: number }) {
    const eventId = newId()
    await database.query(
      `insert into signalbox.events (id, source, delivery_id, type, status) values ($1, 's', $2, 't', 'routed')`,
      [eventId, eventId],
    )
    await database.query(
      `insert into signalbox.deliveries (id, event_id, endpoint_id, status, failures, max_attempts, error)
       values ($1, $2, $3, $4, $5, 10, 'dns_error')`,
      [newId(), eventId, endpointId, status, failures],
    )
  }

  test('whose last delivery arrived, or that were given none, are well', async () => {
    const recovered = await addEndpoint('recovered', { status: 'failed', failures: 10 })
    await addDelivery(recovered, { status: 'succeeded', failures: 1 })
    await addDelivery(recovered, { status: 'pending', failures: 0 })
    await addEndpoint('unused', null)
    expect(await check('endpoints')).toMatchObject({ status: 'ok' })
  })

  test('that fail or were disabled by their answer are named with the reason', async () => {
    await addEndpoint('slow', { status: 'pending', failures: 2 })
    await answerGone(database, await addEndpoint('left', { status: 'failed', failures: 1 }))
    await createEndpoint({ database, seal }, { url: 'https://example.com', name: 'ended', status: 'disabled' })
    expect(await check('endpoints')).toMatchObject({
      status: 'warning',
      detail: '"left" is paused: It answered 410 Gone.; "slow" fails: dns_error',
      hint: expect.stringContaining('signalbox endpoints ls'),
    })
  })
})

test('what is paused is named, with the reason, and what it holds is not stuck', async () => {
  expect(await check('paused')).toMatchObject({ status: 'ok', detail: 'nothing' })
  await pause(database, systemClock, EVERYTHING, { reason: 'The disk is being moved.' })
  await pauseRule(database, systemClock, 'review', { reason: 'It made too many jobs.' })
  expect(await check('paused')).toMatchObject({
    status: 'warning',
    detail: expect.stringMatching(
      /^everything for \S+: The disk is being moved\.; rule "review" for \S+: It made too many jobs\.$/,
    ),
    hint: expect.stringContaining('signalbox resume'),
  })
  await resume(database, EVERYTHING)
})

describe('the encryption key', () => {
  const [old, current] = ['old', 'current'].map((text) => Buffer.alloc(32, text).toString('base64'))
  const ids = (keys: (string | undefined)[]) => openSeal(keys.flatMap((key) => key ?? [])).keyIds
  async function keyCheck(...keys: (string | undefined)[]) {
    const environment = readEnvironment({ DATABASE_URL: database.url, SIGNALBOX_ENCRYPTION_KEY: keys.join(',') })
    return (await databaseChecks(environment)).find(({ name }) => name === 'encryption key')
  }
  const add = (key: string | undefined, name: string) =>
    createEndpoint({ database, seal: openSeal([key ?? '']) }, { url: 'https://example.com', name })

  test('is a problem when it is unset, or does not open all that is stored', async () => {
    expect(await keyCheck()).toMatchObject({ status: 'ok', detail: 'unset; the first endpoint needs one' })
    await add(old, 'one')
    expect(await keyCheck()).toMatchObject({
      status: 'problem',
      detail: 'unset, and 1 endpoint cannot be notified',
      hint: expect.stringContaining('openssl rand'),
    })
    expect(await keyCheck(current)).toMatchObject({
      status: 'problem',
      detail: `cannot decrypt the secrets of "one": key ${ids([old])} is missing`,
      hint: expect.stringContaining('Set SIGNALBOX_ENCRYPTION_KEY with that key'),
    })
  })

  test('is replaced by one before it: a start encrypts all again, and then the old one can go', async () => {
    await add(old, 'one')
    expect(await keyCheck(current, old)).toMatchObject({
      status: 'warning',
      detail: `${ids([old])} still in use, besides the first, ${ids([current])}`,
      hint: expect.stringContaining('Start Signalbox again'),
    })
    await resealSecrets(database, openSeal([current ?? '', old ?? '']), silentLog)
    expect(await keyCheck(current, old)).toMatchObject({
      status: 'ok',
      detail: expect.stringContaining(`${ids([old])} is used no more and can be taken away`),
    })
    expect(await keyCheck(current)).toMatchObject({ status: 'ok' })
  })
})

test('a role that may not create what the migrations create is a problem before the first start', async ({ skip }) => {
  const empty = await openTestDatabase({ migrated: false })
  const migrations = async () =>
    (await databaseChecks(readEnvironment({ DATABASE_URL: empty.url }))).find(({ name }) => name === 'migrations')
  try {
    const { rows } = await empty.query<{ rolsuper: boolean; database: string }>(
      'select rolsuper, current_database() as database from pg_roles where rolname = current_user',
    )
    if (rows[0]?.rolsuper !== false) skip('a superuser may do everything')
    expect(await migrations()).toMatchObject({ status: 'warning' })
    await empty.query(`revoke create on database ${rows[0]?.database} from current_user`)
    await empty.query('revoke create on schema public from pg_database_owner')
    expect(await migrations()).toMatchObject({
      status: 'problem',
      detail: expect.stringMatching(/lacks CREATE on the database and CREATE on schema public$/),
      hint: expect.stringContaining('grant'),
    })
  } finally {
    await empty.close()
  }
})

test('looking changes nothing in the database', async () => {
  await addJob('running', '-2 minutes')
  const rows = async () => (await database.query('select * from signalbox.jobs')).rows
  const before = await rows()
  await check('jobs')
  expect(await rows()).toEqual(before)
})

test('a server that is not PostgreSQL, or refuses the user, is a problem of the database alone', async () => {
  const url = Object.assign(new URL(database.url), { pathname: '/no_such_database' }).href
  const checks = await databaseChecks(readEnvironment({ DATABASE_URL: url }))
  expect(checks).toMatchObject([{ name: 'database', status: 'problem', hint: expect.stringContaining('DATABASE_URL') }])
})
