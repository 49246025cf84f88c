import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TestSignalbox } from '../../test/signalbox.ts'
import { openTestSignalbox } from '../../test/signalbox.ts'

let signalbox: TestSignalbox
beforeAll(async () => {
  signalbox = await openTestSignalbox({ roles: { receiver: true, orchestrator: false } })
})
afterAll(() => signalbox.close())

test.each([
  ['GET', '/health', 200],
  ['POST', '/webhook/manual', 200],
  ['POST', '/webhook/nobody', 404],
  ['GET', '/api/jobs', 200],
  ['GET', '/api/openapi.json', 200],
  ['GET', '/api/jobs/x', 404],
  ['GET', '/nowhere', 404],
])('the answer to %s %s is one line of JSON, ended', async (method, path, status) => {
  const response = await signalbox.api(path, { method })
  expect([response.status, response.headers.get('content-type')]).toEqual([
    status,
    expect.stringMatching(/^application\/json/),
  ])
  expect(await response.text()).toMatch(/^\{.*\}\n$/)
})
