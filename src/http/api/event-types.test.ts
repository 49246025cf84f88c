import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DescribedApi } from '../../../test/described-api.ts'
import { describedApi } from '../../../test/described-api.ts'
import type { TestSignalbox } from '../../../test/signalbox.ts'
import { openTestSignalbox } from '../../../test/signalbox.ts'

let signalbox: TestSignalbox
let api: DescribedApi
beforeAll(async () => {
  signalbox = await openTestSignalbox({ roles: { receiver: true, orchestrator: false } })
  api = await describedApi(signalbox)
})
afterAll(() => signalbox.close())

test('the types are listed on one page, and by a glob', async () => {
  const { body } = await api.get('/event-types')
  expect(body.next).toBeNull()
  expect((body.items as { type: string }[]).map(({ type }) => type)).toEqual(
    expect.arrayContaining(['environment.deployed', 'job.failed', 'push', 'issues.labeled']),
  )
  const selected = await api.get('/event-types?type=job.*')
  expect(selected.body.items).toMatchObject([
    { type: 'job.completed' },
    { type: 'job.failed' },
    { type: 'job.waiting' },
  ])
})

test('one type has the schema of what is sent, and an example', async () => {
  expect(await api.get('/event-types/environment.deployed')).toMatchObject({
    status: 200,
    body: {
      type: 'environment.deployed',
      source: 'signalbox',
      schema: { type: 'object', properties: { data: { properties: { config_diff: {} } } } },
      example: { event: 'environment.deployed', data: { app_name: 'customer-support-bot' } },
    },
  })
})

test('a type that is not known is refused with the nearest one', async () => {
  expect(await api.get('/event-types/job.fail')).toMatchObject({
    status: 404,
    body: { detail: expect.stringContaining('did you mean "job.failed"') },
  })
})
