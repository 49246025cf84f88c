// Attacks on a whole service, whose agents do whatever a text asks for: what each tried, and what
// stopped it.
import { existsSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { UNISOLATED } from '../src/agents/isolation/isolation.ts'
import type { Attack } from './attacks/attack.ts'
import { deployments } from './attacks/deployments.ts'
import { deploys } from './attacks/deploys.ts'
import { exfiltrations, placed, wanted } from './attacks/injections.ts'
import { loops } from './attacks/loops.ts'
import { outsiders } from './attacks/outsiders.ts'
import { programs } from './attacks/programs.ts'
import { repositories } from './attacks/repositories.ts'
import { reviews } from './attacks/reviews.ts'
import { tasks } from './attacks/tasks.ts'
import type { World } from './attacks/world.ts'
import { openWorld } from './attacks/world.ts'

// Agents run in processes of their own.
let world: World
beforeAll(async () => {
  world = await openWorld()
  return () => world.close()
})

const FAMILIES: Record<string, readonly Attack[]> = {
  'who may start an agent': outsiders,
  'instructions in what an agent reads': placed,
  'what an agent that obeys wants to write': wanted,
  'secrets in its hands': exfiltrations,
  'no second round': loops,
  'a checkout': repositories,
  'a program': programs,
  'a deployment': deployments,
  'a task': tasks,
  'a deployment by a program': deploys,
  'a review': reviews,
}

describe.for(Object.entries(FAMILIES))('%s', ([, attacks]) => {
  test.for(attacks.map((one) => [one.tried, one.stopped, one] as const))('%s → %s', async ([, , one], context) => {
    context.skip(one.readsProc === true && !existsSync('/proc/self/environ'), 'there is no /proc')
    if (one.isolated && !world.isIsolated) {
      expect((await world.attack({ ...one, attempt: async () => {} })).shown.warning).toContain(UNISOLATED)
      return
    }
    const { shown, jobs, writes } = await world.attack(one)
    expect(shown[one.at], debug({ ...shown, jobs, writes })).toContain(one.stopped)
    expect(jobs).toHaveLength(one.jobs ?? 1)
    expect(writes.toSorted()).toEqual([...(one.writes ?? [])].sort())
  })
})

function debug({ warning, explain, ...rest }: Record<string, unknown>): string {
  return JSON.stringify(rest, null, 1)
}

test('in all of this no secret is shown, stored or written', async () => {
  expect(await world.leaks()).toEqual([])
})
