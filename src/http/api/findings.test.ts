import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DescribedApi } from '../../../test/described-api.ts'
import { describedApi } from '../../../test/described-api.ts'
import type { TestSignalbox } from '../../../test/signalbox.ts'
import { openTestSignalbox } from '../../../test/signalbox.ts'
import { storeTestFindings } from '../../findings/fixtures/stored.ts'
import type { FindingDetail } from '../../findings/wire.ts'

let signalbox: TestSignalbox
let api: DescribedApi
let items: FindingDetail[]
beforeAll(async () => {
  signalbox = await openTestSignalbox({ roles: { receiver: true, orchestrator: false } })
  api = await describedApi(signalbox)
  await storeTestFindings(signalbox.database)
  items = (await api.get('/findings')).body.items as FindingDetail[]
})
afterAll(() => signalbox.close())

test('findings are listed, filtered, and shown one by one', async () => {
  expect(items.map(({ title }) => title).sort()).toEqual(['A GitHub token is committed', 'The debugger is left'])
  const { body } = await api.get('/findings?repository=acme/shop&pull_request=7&status=open&category=debug')
  expect(body).toMatchObject({ items: [{ title: 'The debugger is left', pull_request: 7 }], next: null })
  expect(await api.get('/findings?branch=main')).toMatchObject({ status: 200, body: { items: [] } })
  const [one] = items
  expect((await api.get(`/findings/${one?.id}`)).body).toEqual(one)
  expect((await api.get(`/findings/${one?.id.slice(0, 13)}`)).body).toEqual(one)
})

test('a query that is wrong is refused', async () => {
  for (const query of ['pull_request=0', 'pull_request=9999999999', 'status=closed', 'repo=acme/shop', 'cursor=x']) {
    expect([query, (await api.get(`/findings?${query}`)).status]).toEqual([query, 422])
  }
})

test('a finding is dismissed with a reason, and counts for its category', async () => {
  const one = items.find(({ category }) => category === 'debug')
  const path = `/findings/${one?.id}/dismiss`
  expect(await api.post(path, { why: 'x' })).toMatchObject({ status: 422 })
  expect(await api.post(path, { reason: 'It is a fixture.' })).toMatchObject({
    status: 200,
    body: { status: 'dismissed', reason: 'It is a fixture.' },
  })
  expect((await api.get('/findings/precision?repository=acme/shop')).body).toEqual({
    items: ['debug', 'secret'].map((category) => ({
      repository: 'acme/shop',
      category,
      accepted: 0,
      dismissed: category === 'debug' ? 1 : 0,
      open: category === 'debug' ? 0 : 1,
      share: category === 'debug' ? 0 : null,
      muted: false,
    })),
    next: null,
  })
})
