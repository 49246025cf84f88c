import { expect, test } from 'vitest'
import { AppError } from '../lib/error.ts'
import { acceptedDraft, refusedDraft } from './draft.ts'
import type { Normalised } from './source.ts'

const sender = { name: 'shop', keptHeaders: ['content-type', 'x-id'] }
const headers = new Headers({ 'content-type': 'application/json', 'x-id': '7', authorization: 'Bearer x' })
const arrival = { body: Buffer.from('{"a":1}'), headers, remote: '203.0.113.7', at: new Date('2026-01-01T00:00:00Z') }
const normalised: Normalised = {
  type: 'shop.order.paid',
  deliveryId: 'd1',
  subject: 'order 7',
  actor: 'jane',
  facts: { app: 'bot' },
}

test('an accepted request is kept with its bytes, the named headers and where it came from', () => {
  const { id, ...draft } = acceptedDraft(sender, normalised, arrival)
  expect(id).toMatch(/^[0-9a-f-]{36}$/)
  expect(draft).toEqual({
    ...normalised,
    source: 'shop',
    body: arrival.body,
    payload: null,
    contentType: 'application/json',
    headers: { remote: '203.0.113.7', 'content-type': 'application/json', 'x-id': '7' },
    depth: 0,
    causeJobId: null,
  })
})

test('what the source translated is kept beside the bytes, and a pull request for the reactions', () => {
  const pullRequest = { number: 7 } as NonNullable<Normalised['pullRequest']>
  const draft = acceptedDraft(sender, { ...normalised, payload: { b: 2 }, pullRequest }, arrival)
  expect(draft).toMatchObject({ body: arrival.body, payload: { b: 2 }, pullRequest })
})

test('nothing else that a source may return gets into the event', () => {
  const draft = acceptedDraft(
    sender,
    { ...normalised, depth: 9, rejected: 'x', source: 'github' } as Normalised,
    arrival,
  )
  expect(draft).toMatchObject({ depth: 0, source: 'shop' })
  expect(draft).not.toHaveProperty('rejected')
})

test('a refused request keeps the reason and short headers, and neither a body nor the delivery id', () => {
  const long = new Headers({ 'content-type': 'application/json', 'x-id': 'x'.repeat(10_000) })
  const error = new AppError('signature_invalid', 'No signature matches.')
  const draft = refusedDraft(sender, error, { ...arrival, headers: long })
  expect(draft).toMatchObject({
    source: 'shop',
    deliveryId: `rejected:${draft.id}`,
    type: 'rejected.signature_invalid',
    facts: {},
    body: null,
    payload: null,
    headers: { 'x-id': 'x'.repeat(80) },
    rejected: 'signature_invalid: No signature matches.',
  })
  const many = { name: 'shop', keptHeaders: ['a', 'b', 'c', 'd', 'e', 'f', 'g'] }
  const all = new Headers(many.keptHeaders.map((name): [string, string] => [name, 'x']))
  const names = Object.keys(refusedDraft(many, error, { ...arrival, headers: all }).headers)
  expect(names).toEqual(['remote', 'a', 'b', 'c', 'd', 'e'])
})
