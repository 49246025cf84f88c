import { describe, expect, it } from 'vitest'
import { LEASE_MS, leaseTiming } from './lease-timing.ts'

describe.each([600, 1500, LEASE_MS, 300_000])('the times that follow from a lease of %i ms', (leaseMs) => {
  const { renewMs, answerMs, alarmMs, abortMs, stopGraceMs, killGraceMs, drainGraceMs } = leaseTiming(leaseMs)

  it('leave a renewal a second attempt before the alarm rings', () => {
    expect(renewMs + answerMs).toBeLessThan(alarmMs)
  })

  it('leave the question at the alarm its answer before the work is stopped', () => {
    expect(alarmMs + answerMs).toBeLessThanOrEqual(abortMs)
  })

  it('leave stopped work its grace, and some latency, before another worker may begin', () => {
    expect(abortMs + stopGraceMs + leaseMs / 40).toBeLessThan(leaseMs)
  })

  it('kill a stopped program within the grace of its attempt, and wait longer than that on a drain', () => {
    expect(killGraceMs).toBeLessThan(stopGraceMs)
    expect(drainGraceMs).toBeGreaterThan(stopGraceMs)
  })
})
