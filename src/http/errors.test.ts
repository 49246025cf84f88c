import { Hono } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { expect, test } from 'vitest'
import { AppError, ERRORS } from '../lib/error.ts'
import type { Log } from '../lib/log.ts'
import { silentLog } from '../lib/log.ts'
import { errorResponse, methodNotAllowed } from './errors.ts'

/** A log that keeps what it is given. */
function keptLog() {
  const lines: { level: string; fields: Record<string, unknown>; message: string }[] = []
  const at = (level: string) => (fields: Record<string, unknown>, message: string) =>
    void lines.push({ level, fields, message })
  return { lines, log: { ...silentLog, warn: at('warn'), error: at('error') } as unknown as Log }
}

test('an expected error is its status, code and detail, with its headers', async () => {
  const { log, lines } = keptLog()
  const response = errorResponse(new AppError('rate_limited', 'Slow down.', { headers: { 'retry-after': '7' } }), log)
  expect(response.status).toBe(429)
  expect(response.headers.get('retry-after')).toBe('7')
  expect(await response.json()).toEqual({ code: 'rate_limited', detail: 'Slow down.' })
  expect(lines).toEqual([])
})

test.each(Object.entries(ERRORS))(
  '%s has the status and the sentence of the table',
  async (code, { status, message }) => {
    const response = errorResponse(new AppError(code as keyof typeof ERRORS), silentLog)
    expect({ status: response.status, body: await response.json() }).toEqual({
      status,
      body: { code, detail: message },
    })
  },
)

test('why an expected error happened is for the log only', async () => {
  const { log, lines } = keptLog()
  const cause = new Error('connect ECONNREFUSED db.internal:5432 as signalbox')
  const response = errorResponse(new AppError('database_unavailable', undefined, { cause }), log)
  expect(JSON.stringify(await response.json())).not.toContain('db.internal')
  expect(lines).toMatchObject([{ level: 'warn', fields: { code: 'database_unavailable', reason: cause.message } }])
})

test('anything else is an internal error, found again in the log by its id', async () => {
  const { log, lines } = keptLog()
  const bug = new TypeError('token is not iterable')
  const response = errorResponse(bug, log)
  const body = (await response.json()) as { request_id: string }
  expect(response.status).toBe(500)
  expect(body).toEqual({
    code: 'internal',
    detail: 'internal error',
    request_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
  })
  expect(lines).toMatchObject([{ level: 'error', fields: { requestId: body.request_id, err: bug } }])
})

test.each([undefined, null, 'a text', { code: 'not_found', status: 404 }])(
  '%j thrown is an internal error',
  (thrown) => {
    expect(errorResponse(thrown, silentLog).status).toBe(500)
  },
)

test("a refusal of the framework's own is the caller's fault; a failure of it is not", async () => {
  const malformed = errorResponse(new HTTPException(400, { message: 'Malformed JSON' }), silentLog)
  expect(await malformed.json()).toEqual({ code: 'body_invalid', detail: 'Malformed JSON' })
  expect(errorResponse(new HTTPException(502, { message: 'upstream' }), silentLog).status).toBe(500)
})

test('a wrong method is answered with those that are right', async () => {
  const app = new Hono().onError((error) => errorResponse(error, silentLog)).all('/', methodNotAllowed('GET', 'POST'))
  const response = await app.request('/', { method: 'DELETE' })
  expect(response.status).toBe(405)
  expect(response.headers.get('allow')).toBe('GET, POST')
  expect(await response.json()).toEqual({ code: 'method_not_allowed', detail: 'Use GET or POST.' })
})
