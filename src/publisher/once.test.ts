// Every kind of output is written once, whichever of its calls breaks and however often it is sent.
import { afterAll, expect, test } from 'vitest'
import { KINDS, openWorld } from './fixtures/each-kind.ts'
import type { How } from './fixtures/kinds-stage.ts'
import { breaking, openKindsStage } from './fixtures/kinds-stage.ts'

const stage = await openKindsStage()
afterAll(() => stage.close())

const WAYS: How[] = ['dies after', 'loses the answer of']

test.each(KINDS.flatMap((kind) => WAYS.map((how) => [kind.name, how, kind] as const)))(
  '%s that %s any one call, and is sent again, is there once',
  async (_, how, kind) => {
    const clean = await openWorld(stage)
    const counting = breaking(0, how)
    await stage.send(kind.output(clean.repo, clean.world), { id: 'a' }, stage.forgeWith({ send: counting.send }))
    const expected = await kind.look(stage.owner, clean.at, clean.world)
    const again = await stage.send(kind.output(clean.repo, clean.world))
    expect(again?.created ?? false).toBe(false)
    expect(await kind.look(stage.owner, clean.at, clean.world)).toEqual(expected)
    expect(counting.seen.writes).toBeGreaterThan(0)

    for (let at = 1; at <= counting.seen.writes; at += 1) {
      const { repo, world, at: place } = await openWorld(stage)
      const output = kind.output(repo, world)
      await expect(stage.send(output, { id: 'a' }, stage.forgeWith({ send: breaking(at, how).send }))).rejects.toThrow()
      await stage.send(output)
      expect(await kind.look(stage.owner, place, world)).toEqual(expected)
    }
  },
)
