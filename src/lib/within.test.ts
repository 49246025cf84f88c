import { describe, expect, it } from 'vitest'
import { within } from './within.ts'

describe('a limit', () => {
  it('passes on what comes in time, be it a value or an error', async () => {
    expect(await within(60_000, Promise.resolve(1), 'late')).toBe(1)
    await expect(within(60_000, Promise.reject(new Error('broken')), 'late')).rejects.toThrow('broken')
  })

  it('rejects with its message when nothing comes, and ignores what comes then', async () => {
    const { promise, reject } = Promise.withResolvers<never>()
    await expect(within(5, promise, 'no answer')).rejects.toThrow('no answer')
    reject(new Error('too late'))
  })
})
