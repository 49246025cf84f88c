// Connection strings mean what they mean to psql, and an unreachable database is recognised.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AppError } from '../lib/error.ts'
import { ANSWER_MS, connectionConfig, isAway, isUnavailable, statementMs, unavailable } from './connection.ts'

function sslOf(query: string, host = 'db.example.com'): string | null {
  return new URL(
    connectionConfig(`postgresql://u:p%40ss@${host}:6543/postgres${query}`).connectionString ?? '',
  ).searchParams.get('uselibpqcompat')
}

describe('the connection string', () => {
  test('reads sslmode as psql does', () => {
    expect(sslOf('?sslmode=require')).toBe('true')
    expect(sslOf('?sslmode=verify-full')).toBe('true')
  })

  test('is not changed when it has no sslmode, or says how to read it', () => {
    expect(connectionConfig('postgresql://u:p%40ss@db/x').connectionString).toBe('postgresql://u:p%40ss@db/x')
    expect(sslOf('?sslmode=require&uselibpqcompat=false')).toBe('false')
    expect(connectionConfig('/var/run/postgresql x').connectionString).toBe('/var/run/postgresql x')
  })

  test('of Supabase means TLS without an sslmode too', () => {
    const { connectionString = '' } = connectionConfig(
      'postgres://postgres.ref:pw@aws-0-eu.pooler.supabase.com:6543/postgres',
    )
    expect(new URL(connectionString).searchParams.get('sslmode')).toBe('require')
  })
})

describe('a connection', () => {
  test('has a name, limits, and keep-alive', () => {
    expect(connectionConfig('postgres://db')).toMatchObject({
      application_name: 'signalbox',
      connectionTimeoutMillis: 5000,
      query_timeout: ANSWER_MS,
      keepAlive: true,
    })
    expect(connectionConfig('postgres://db', 'signalbox listener').application_name).toBe('signalbox listener')
  })

  test('has its statements ended by the server a second before they are given up here', () => {
    expect([statementMs(30_000), statementMs(5000), statementMs(1000), statementMs(1)]).toEqual([29_000, 4000, 500, 1])
  })

  test('reads a bigint as a number where that is exact, for any bigint', () => {
    const parse = connectionConfig('postgres://db').types?.getTypeParser(20, 'text')
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        const parsed: unknown = parse?.(String(value))
        expect(String(parsed)).toBe(String(value))
        expect(typeof parsed).toBe(Number.isSafeInteger(Number(value)) ? 'number' : 'string')
      }),
    )
  })

  test('keeps the user, the password and the host of its string, whatever is in them', () => {
    const word = fc.string({ minLength: 1, maxLength: 20 }).map(encodeURIComponent)
    fc.assert(
      fc.property(word, word, (user, password) => {
        fc.pre(user !== '.' && user !== '..')
        const url = new URL(`postgres://${user}:${password}@db.abc.supabase.co:5432/postgres`)
        const { connectionString = '' } = connectionConfig(url.href)
        const made = new URL(connectionString)
        expect([made.username, made.password, made.host]).toEqual([url.username, url.password, url.host])
      }),
    )
  })
})

describe('an error', () => {
  const coded = (code: string, more: object = {}) => Object.assign(new Error('it failed'), { code, ...more })

  test.each([
    ...['ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN', 'EPIPE', 'ETIMEDOUT'],
    ...['57P01', '57P02', '57P03', '08000', '08006', '53300', '53100', '53200', '25006'],
  ])('%s means that the database cannot be reached', (code) => expect(isUnavailable(coded(code))).toBe(true))

  test('that is FATAL, or of all addresses, or of the pool, means that the database cannot be reached', () => {
    expect(isUnavailable(coded('XX000', { severity: 'FATAL' }))).toBe(true)
    expect(isUnavailable(new AggregateError([coded('ECONNREFUSED')]))).toBe(true)
    expect(isUnavailable(new Error('timeout exceeded when trying to connect'))).toBe(true)
    expect(isUnavailable(new Error('Connection terminated unexpectedly'))).toBe(true)
  })

  test.each(['23505', '42P01', '57014', '40001', '40P01', '22P02', '25P02', '28P01', 'ENOENT'])(
    '%s means that a statement was refused',
    (code) => expect(isUnavailable(coded(code, { severity: 'ERROR' }))).toBe(false),
  )

  test('inside others means the same, but only if one of them does', () => {
    expect(isUnavailable(new AggregateError([coded('23505'), new AggregateError([coded('ETIMEDOUT')])]))).toBe(true)
    expect(isUnavailable(new AggregateError([coded('23505'), coded('42P01')]))).toBe(false)
    expect(isUnavailable(new AggregateError([]))).toBe(false)
  })

  test('of an unreachable database tells the caller nothing of the reason', () => {
    const cause = coded('ECONNREFUSED', { message: 'connect ECONNREFUSED 10.0.0.7:5432' })
    const error = unavailable(cause)
    expect(error).toMatchObject({ code: 'database_unavailable', status: 503, cause })
    expect(error.detail).not.toContain('10.0.0.7')
    expect(isAway(error)).toBe(true)
    expect(isAway(cause)).toBe(false)
    expect(isAway(new AppError('database_busy'))).toBe(false)
  })

  test('that is no Error means neither', () => {
    expect(isUnavailable('ECONNREFUSED')).toBe(false)
    expect(isUnavailable(undefined)).toBe(false)
  })
})
