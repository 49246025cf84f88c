// The guard itself: it must see what is wrong, not only stay quiet about what is right.
import { expect, test } from 'vitest'
import { openApiGuard, validateDelivery, validateExchange } from '../openapi.ts'
import type { Exchange } from '../src/index.ts'
import { openFakeGithub } from '../src/index.ts'
import { openReceiver } from './world.ts'

/** A true exchange and delivery to plant mistakes in. */
async function sample() {
  const github = await openFakeGithub()
  const receiver = await openReceiver()
  const repo = await github.addRepository({ owner: 'acme', name: 'app', files: { a: 'a' } })
  await repo.addWebhook({ url: receiver.url })
  await repo.commit({ branch: 'x', message: 'm', files: { a: 'b' } })
  const headers = { authorization: `Bearer ${github.addToken({ login: 'acme' })}` }
  const body = JSON.stringify({ title: 't', head: 'x', base: 'main' })
  await fetch(`${github.apiUrl}/repos/acme/app/pulls`, { method: 'POST', headers, body })
  await fetch(`${github.apiUrl}/repos/acme/app/pulls?state=open&per_page=5`, { headers })
  await github.settled()
  const [create, list] = github.requests as [Exchange, Exchange]
  const delivery = github.deliveries.find(({ event }) => event === 'pull_request')!
  await github.close()
  await receiver.close()
  return { create, list, delivery }
}

const { create, list, delivery } = await sample()
// biome-ignore lint/suspicious/noExplicitAny: mistakes are planted in places no type knows
type Anything = any
function changed<T>(value: T, change: (copy: Anything) => void): T {
  const copy = structuredClone(value)
  change(copy)
  return copy
}

test('true exchanges and deliveries pass', () => {
  expect(validateExchange(create)).toEqual([])
  expect(validateExchange(list)).toEqual([])
  expect(validateDelivery(delivery)).toEqual([])
})

test.each<[string, (copy: Anything) => void, RegExp]>([
  ['a missing field', (copy) => delete copy.responseBody.html_url, /html_url/],
  [
    'a wrong type far inside',
    (copy) => (copy.responseBody.base.repo.owner.id = 'one'),
    /base\/repo\/owner\/id must be integer/,
  ],
  ['null where GitHub has none', (copy) => (copy.responseBody.title = null), /title must be string/],
  ['a value outside the set', (copy) => (copy.responseBody.state = 'merged'), /state must be equal to one of/],
  ['a status GitHub does not use', (copy) => (copy.status = 200), /undocumented status/],
  ['a request without a required field', (copy) => delete copy.requestBody.head, /head/],
  ['a request of the wrong type', (copy) => (copy.requestBody.draft = 'yes'), /draft must be boolean/],
  ['a misspelt request field', (copy) => (copy.requestBody.maintainer_can_edit = true), /maintainer_can_edit/],
  ['a route GitHub does not have', (copy) => (copy.route = '/repos/{owner}/{repo}/pull'), /GitHub has no POST/],
  [
    'a broken error body',
    (copy) => Object.assign(copy, { status: 404, responseBody: { error: 'no' } }),
    /not a GitHub error/,
  ],
])('%s is noticed in a REST exchange', (_, change, expected) => {
  expect(validateExchange(changed(create, change)).join('\n')).toMatch(expected)
})

test('query parameters are checked by name and value', () => {
  expect(validateExchange(changed(list, (copy) => (copy.query.state = 'merged'))).join()).toMatch(/query\/state/)
  expect(validateExchange(changed(list, (copy) => (copy.query.per_page = 'many'))).join()).toMatch(/query\/per_page/)
  expect(validateExchange(changed(list, (copy) => (copy.query.stat = 'open'))).join()).toMatch(/stat/)
})

test('webhooks are checked by event and action', () => {
  const broken = changed(delivery.request.payload, (copy) => delete copy.pull_request.head)
  expect(validateDelivery({ ...delivery, request: { ...delivery.request, payload: broken } }).join()).toMatch(/head/)
  expect(validateDelivery({ ...delivery, action: 'exploded' })).toEqual(['GitHub has no webhook pull-request-exploded'])
})

test('a guard collects what it sees', () => {
  const guard = openApiGuard()
  guard.onExchange(create)
  guard.onDelivery(delivery)
  expect([guard.checked, guard.violations]).toEqual([2, []])
  guard.onExchange(changed(create, (copy) => delete copy.responseBody.html_url))
  expect(guard.violations).toEqual([
    expect.stringMatching(/^POST \/repos\/acme\/app\/pulls \(201\): response .*html_url/),
  ])
})
