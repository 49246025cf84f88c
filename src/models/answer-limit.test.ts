// What is left of an answer without an end.
import { expect, test } from 'vitest'
import { AnswerTooLarge, isTooLarge, limitedAnswer } from './answer-limit.ts'

test('an answer without an end is read up to the limit, and then its connection is closed', async () => {
  const megabyte = new Uint8Array(1_000_000)
  let megabytes = 0
  let isClosed = false
  const body = new ReadableStream({
    pull(controller) {
      megabytes += 1
      controller.enqueue(megabyte)
    },
    cancel() {
      isClosed = true
    },
  })
  const error = await limitedAnswer(new Response(body))
    .text()
    .catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(AnswerTooLarge)
  expect(isTooLarge(new Error('wrapped', { cause: error }))).toBe(true)
  expect(megabytes).toBeLessThan(15)
  expect(isClosed).toBe(true)
})

test('one within the limit is what it was', async () => {
  const answer = limitedAnswer(new Response('x'.repeat(10_000_000), { status: 418, headers: { 'x-own': 'y' } }))
  expect([answer.status, answer.headers.get('x-own'), (await answer.text()).length]).toEqual([418, 'y', 10_000_000])
  expect(isTooLarge(new Error('x'))).toBe(false)
})
