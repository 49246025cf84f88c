import { openFakeGithub } from '@signalbox/fake-github'
import { afterAll, expect, test } from 'vitest'
import { AGENTA_DEPLOYMENT } from '../../test/fixtures/payloads.ts'
import { deployed, nowSeconds, openReceiver, SECRET, standard, timed } from './fixtures/receiver.ts'

const fake = await openFakeGithub()
afterAll(() => fake.close())

test('Standard Webhooks headers are verified too, and decide alone', async () => {
  const { send } = await openReceiver(fake)
  expect(await send(deployed, await standard(deployed))).toMatchObject({ status: 200 })
  const late = { ...(await standard(deployed)), 'webhook-timestamp': String(nowSeconds() - 3600) }
  expect(await send(deployed, late)).toMatchObject({ status: 401, answer: { code: 'signature_invalid' } })
  const { 'webhook-timestamp': _, ...stripped } = await standard(deployed)
  expect(await send(deployed, stripped)).toMatchObject({ status: 400, answer: { code: 'header_missing' } })
})

test("Standard Webhooks under Svix's own header names are verified too", async () => {
  const { send } = await openReceiver(fake)
  const headers = Object.entries(await standard(deployed)).filter(([name]) => name.startsWith('webhook-'))
  const svix = Object.fromEntries(headers.map(([name, value]) => [name.replace('webhook-', 'svix-'), value]))
  expect(await send(deployed, svix)).toMatchObject({ status: 200, answer: { pr_created: true } })
  const forged = { ...svix, 'svix-id': 'msg_2', 'x-agenta-signature': 'sha256=00' }
  expect(await send(deployed, forged)).toMatchObject({ status: 401, answer: { code: 'signature_invalid' } })
})

test('while a secret rotates both are good', async () => {
  const { send } = await openReceiver(fake, { secret: 'a-new-secret-of-length', secrets: [SECRET] })
  expect(await send(deployed)).toMatchObject({ status: 200 })
})

test('the clock may be given', async () => {
  const { send } = await openReceiver(fake, { now: () => Date.now() - 3600_000 })
  const then = await timed(AGENTA_DEPLOYMENT, 3600)
  expect(await send(AGENTA_DEPLOYMENT, then)).toMatchObject({ status: 200, answer: { pr_created: true } })
})

// Ten seconds more than is allowed, which a busy machine may need to send it.
test.each([[310], [-310]])(
  "a webhook in Agenta's current format, signed %i seconds ago, is refused",
  async (ageSeconds) => {
    const { repo, send } = await openReceiver(fake)
    const late = await send(AGENTA_DEPLOYMENT, await timed(AGENTA_DEPLOYMENT, ageSeconds))
    expect(late).toMatchObject({ status: 401, answer: { code: 'signature_invalid' } })
    expect(await repo.pulls()).toEqual([])
  },
)

test('a forged one is refused', async () => {
  const { repo, send } = await openReceiver(fake)
  const forged = await send({ ...AGENTA_DEPLOYMENT, scope: {} }, await timed(AGENTA_DEPLOYMENT))
  expect(forged).toMatchObject({ status: 401, answer: { code: 'signature_invalid' } })
  expect(await repo.pulls()).toEqual([])
})
