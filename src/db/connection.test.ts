// Connection strings mean what they mean to psql, and an unreachable database is recognised.
import { describe, expect, test } from 'vitest'
import { connectionConfig, isUnavailable } from './connection.ts'

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

describe('an error', () => {
  const coded = (code: string, more: object = {}) => Object.assign(new Error('it failed'), { code, ...more })

  test.each(['ECONNREFUSED', 'ENOTFOUND', 'ETIMEDOUT', '57P01', '57P03', '08006', '53300', '53100', '25006'])(
    '%s means that the database cannot be reached',
    (code) => expect(isUnavailable(coded(code))).toBe(true),
  )

  test('that is FATAL, or of all addresses, or of the pool, means that the database cannot be reached', () => {
    expect(isUnavailable(coded('XX000', { severity: 'FATAL' }))).toBe(true)
    expect(isUnavailable(new AggregateError([coded('ECONNREFUSED')]))).toBe(true)
    expect(isUnavailable(new Error('timeout exceeded when trying to connect'))).toBe(true)
    expect(isUnavailable(new Error('Connection terminated unexpectedly'))).toBe(true)
  })

  test.each(['23505', '42P01', '57014', '40001', '22P02'])('%s means that a statement was refused', (code) =>
    expect(isUnavailable(coded(code, { severity: 'ERROR' }))).toBe(false),
  )

  test('that is no Error means neither', () => {
    expect(isUnavailable('ECONNREFUSED')).toBe(false)
    expect(isUnavailable(undefined)).toBe(false)
  })
})
