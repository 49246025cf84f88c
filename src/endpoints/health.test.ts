// How an endpoint does, from what came of its deliveries.
import { array, assert, constantFrom, integer, property, tuple } from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Health, HealthChange, Result } from './health.ts'
import { HEALTHY, healthAfter } from './health.ts'

const START = new Date('2026-01-01T00:00:00Z')
const SECOND = 1000
const HOUR = 3600 * SECOND
const DAY = 24 * HOUR
const success: Result = { kind: 'success' }
const failure: Result = { kind: 'failure' }

/** An endpoint whose attempts come one after the other, and what is said of it. */
function endpoint(health: Health = HEALTHY) {
  let now = START
  const said: HealthChange[] = []
  return {
    said,
    get health() {
      return health
    },
    get opensInMs() {
      return health.opensAt === null ? 0 : health.opensAt.getTime() - now.getTime()
    },
    after(result: Result, times = 1) {
      for (let n = 0; n < times; n++) {
        const next = healthAfter(health, result, now)
        health = next.health
        if (next.change !== null) said.push(next.change)
      }
    },
    wait(ms: number) {
      now = new Date(now.getTime() + ms)
    },
    /** Waits until the next attempt may begin, and makes it. */
    probe(result: Result) {
      this.wait(Math.max(this.opensInMs, 0))
      this.after(result)
    },
  }
}

describe('the health of an endpoint', () => {
  it('stays as it is while attempts succeed, or fail now and then', () => {
    const one = endpoint()
    for (let n = 0; n < 100; n++) {
      one.after(success)
      one.after(failure, 9)
    }
    expect(one.health.state).toBe('closed')
    expect(one.said).toEqual([])
  })

  it('is left alone after ten failures in a row, and tried from time to time: 5 s later, then 10, up to 10 minutes', () => {
    const one = endpoint()
    one.after(failure, 10)
    expect(one.health).toMatchObject({ state: 'open', slots: 1 })
    expect(one.said).toEqual(['failing'])
    const waits: number[] = []
    for (let n = 0; n < 10; n++) {
      waits.push(Math.floor(one.opensInMs / SECOND / 1.2))
      one.probe(failure)
    }
    expect(waits[0]).toBeLessThanOrEqual(5)
    expect(waits.at(-1)).toBeGreaterThanOrEqual(500)
    expect(one.opensInMs).toBeLessThanOrEqual(12 * 60 * SECOND)
    expect(one.said).toEqual(['failing'])
  })

  it('is found to fail by four failures too, when they are half an hour apart', () => {
    const one = endpoint()
    one.after(failure, 3)
    expect(one.health.state).toBe('closed')
    one.wait(30 * 60 * SECOND)
    one.after(failure)
    expect(one.health.state).toBe('open')
  })

  it('is not left alone for longer because of attempts that were under way', () => {
    const one = endpoint()
    one.after(failure, 10)
    const before = one.opensInMs
    one.after(failure, 22)
    expect(one.opensInMs).toBe(before)
  })

  it('recovers with the first success: two at once, then four, eight, sixteen, and all', () => {
    const one = endpoint()
    one.after(failure, 10)
    one.probe(success)
    expect(one.said).toEqual(['failing', 'recovered'])
    expect(one.health).toMatchObject({ state: 'recovering', slots: 2, failures: 0, failingSince: null })
    const slots: (number | null)[] = []
    for (let n = 0; n < 4; n++) {
      one.after(success)
      slots.push(one.health.slots)
    }
    expect(slots).toEqual([4, 8, 16, null])
    expect(one.health).toEqual(HEALTHY)
  })

  it('goes on recovering past a failure, and is left alone again after three', () => {
    const one = endpoint()
    one.after(failure, 10)
    one.probe(success)
    one.after(failure, 2)
    one.after(success)
    expect(one.health.state).toBe('recovering')
    one.after(failure, 3)
    expect(one.health.state).toBe('open')
    expect(one.said).toEqual(['failing', 'recovered', 'failing'])
  })

  it('is disabled after five days of nothing but failure, tried every hour, and enabled by the first success', () => {
    const one = endpoint()
    one.after(failure, 10)
    for (let n = 0; n < 3000 && !one.health.isDisabled; n++) one.probe(failure)
    expect(one.said).toEqual(['failing', 'disabled'])
    const failingMs = one.health.opensAt!.getTime() - one.health.failingSince!.getTime()
    expect(failingMs).toBeGreaterThanOrEqual(5 * DAY)
    expect(failingMs).toBeLessThan(5 * DAY + HOUR)
    for (let n = 0; n < 24; n++) one.probe(failure)
    expect(one.opensInMs).toBeLessThanOrEqual(1.2 * HOUR)
    expect(one.said).toEqual(['failing', 'disabled'])
    one.probe(success)
    expect(one.said).toEqual(['failing', 'disabled', 'recovered'])
    expect(one.health.isDisabled).toBe(false)
  })

  it('is not disabled when anything succeeded within the five days', () => {
    const one = endpoint()
    for (let day = 0; day < 20; day++) {
      one.after(failure, 20)
      one.wait(4 * DAY)
      one.after(success)
    }
    expect(one.said).not.toContain('disabled')
  })

  it('is left alone for as long as it asks, and that is no failure', () => {
    const one = endpoint()
    one.after({ kind: 'neither', waitMs: 60 * SECOND })
    expect(one.opensInMs).toBe(60 * SECOND)
    expect(one.health).toMatchObject({ state: 'closed', failures: 0 })
  })

  it('is always one that something can begin for, and says only what is new', () => {
    const step = tuple(constantFrom<Result['kind']>('success', 'failure', 'neither'), integer({ min: 0, max: 2 * DAY }))
    assert(
      property(array(step, { maxLength: 200 }), (steps) => {
        const one = endpoint()
        for (const [kind, ms] of steps) {
          one.wait(ms)
          one.after({ kind })
          expect(one.health.slots ?? 1).toBeGreaterThan(0)
          expect(one.opensInMs).toBeLessThanOrEqual(1.2 * HOUR)
          expect(one.health.state === 'closed').toBe(one.health.slots === null)
        }
        for (const [at, change] of one.said.entries()) {
          const before = one.said[at - 1] ?? 'recovered'
          if (change === 'recovered') expect(before).not.toBe('recovered')
          else expect(before).not.toBe(change)
        }
      }),
    )
  })
})
