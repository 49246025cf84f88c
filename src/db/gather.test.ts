import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { GatherOptions, Read } from './gather.ts'
import { gather } from './gather.ts'

type Call = { ids: readonly string[]; maxBytes: number; atLeastOne: boolean }

/** A store of values by their number of bytes; it remembers how it was read. */
function store(bytesOf: Record<string, number>) {
  const calls: Call[] = []
  const read: GatherOptions<string>['read'] = async (ids, { maxBytes, atLeastOne }) => {
    calls.push({ ids, maxBytes, atLeastOne })
    await nextTurn()
    const found: Read<string>[] = []
    let total = 0
    for (const [place, id] of ids.entries()) {
      const bytes = bytesOf[id] ?? 0
      total += bytes
      if (total > maxBytes && !(atLeastOne && place === 0)) break
      found.push({ id, bytes, value: id in bytesOf ? `value of ${id}` : null })
    }
    return found
  }
  return { calls, read }
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0)
}

async function after(microtasks: number): Promise<void> {
  for (let passed = 0; passed < microtasks; passed++) await null
}

describe('reading together', () => {
  it('takes what is asked for in one turn in one read, each id once', async () => {
    const { calls, read } = store({ a: 1, b: 1 })
    const take = gather({ maxBytes: 100, read })
    const answers = await Promise.all(['a', 'b', 'a', 'missing'].map((id) => take(id, (value) => value)))
    expect(answers).toEqual(['value of a', 'value of b', 'value of a', null])
    expect(calls).toEqual([{ ids: ['a', 'b', 'missing'], maxBytes: 100, atLeastOne: true }])
  })

  it('gathers what comes while a read is on its way into the next', async () => {
    const { calls, read } = store({ a: 1, b: 1, c: 1 })
    const take = gather({ maxBytes: 100, read })
    const first = take('a', (value) => value)
    await nextTurn()
    await Promise.all([first, take('b', (value) => value), take('c', (value) => value)])
    expect(calls.map(({ ids }) => ids)).toEqual([['a'], ['b', 'c']])
  })

  it('returns what use returns, and passes on what it throws', async () => {
    const take = gather({ maxBytes: 100, ...store({ a: 1 }) })
    expect(await take('a', async (value) => value?.length)).toBe(10)
    await expect(
      take('a', () => {
        throw new Error('no')
      }),
    ).rejects.toThrow('no')
    expect(await take('a', (value) => value)).toBe('value of a')
  })

  it('rejects those it could not read, and reads the next', async () => {
    let fails = true
    const { read } = store({ a: 1 })
    const take = gather<string>({
      maxBytes: 100,
      read: (ids, limit) => (fails ? Promise.reject(new Error('away')) : read(ids, limit)),
    })
    const both = await Promise.allSettled([take('a', (value) => value), take('b', (value) => value)])
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    fails = false
    expect(await take('a', (value) => value)).toBe('value of a')
  })

  it('reads one value that is larger than the limit when it is alone', async () => {
    const take = gather({ maxBytes: 10, ...store({ huge: 1000 }) })
    expect(await take('huge', (value) => value)).toBe('value of huge')
  })

  it('reads on when something is released while a read finds no space', async () => {
    const { read } = store({ a: 6, b: 6 })
    const end = Promise.withResolvers<void>()
    let reads = 0
    const take = gather<string>({
      maxBytes: 10,
      async read(ids, limit) {
        const found = await read(ids, limit)
        // The first user ends exactly while the second read is on its way, which found no space.
        if (++reads === 2) {
          end.resolve()
          await nextTurn()
        }
        return found
      },
    })
    const [first, second] = [take('a', () => end.promise), take('b', (value) => value)]
    await first
    expect(await second).toBe('value of b')
  })

  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8])(
    'reads on when something is released %i microtasks after a read found no space',
    async (microtasks) => {
      const { read } = store({ a: 6, b: 6 })
      const end = Promise.withResolvers<void>()
      let reads = 0
      const take = gather<string>({
        maxBytes: 10,
        async read(ids, limit) {
          const found = await read(ids, limit)
          if (++reads === 2) void after(microtasks).then(end.resolve)
          return found
        },
      })
      const [first, second] = [take('a', () => end.promise), take('b', (value) => value)]
      await first
      expect(await second).toBe('value of b')
    },
  )

  it('never has more in use than fits, and answers everything that was asked', async () => {
    const asks = fc.array(fc.record({ id: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), turns: fc.nat(4) }), {
      minLength: 1,
      maxLength: 30,
    })
    const sizes = fc.record({
      a: fc.nat(12),
      b: fc.nat(12),
      c: fc.nat(12),
      d: fc.nat(12),
      e: fc.constant(25),
      f: fc.nat(5),
    })
    await fc.assert(
      fc.asyncProperty(asks, sizes, async (script, bytesOf) => {
        const { calls, read } = store(bytesOf)
        const take = gather({ maxBytes: 20, read })
        const inUse = new Map<string, number>()
        let mostBytes = 0
        const use = async (id: keyof typeof bytesOf, turns: number) => {
          inUse.set(id, (inUse.get(id) ?? 0) + 1)
          const used = [...inUse].filter(([, users]) => users > 0)
          // A larger value is read alone, but empty ones beside it take nothing.
          const bytes = used.map(([one]) => bytesOf[one as keyof typeof bytesOf] ?? 0).filter((each) => each > 0)
          if (bytes.length > 1) mostBytes = Math.max(mostBytes, sumOf(bytes))
          for (let turn = 0; turn < turns; turn++) await nextTurn()
          inUse.set(id, (inUse.get(id) ?? 0) - 1)
          return id
        }
        const answers = await Promise.all(
          script.map(async ({ id, turns }) => {
            for (let turn = 0; turn < turns; turn++) await nextTurn()
            return take(id, () => use(id as keyof typeof bytesOf, turns))
          }),
        )
        expect(answers).toEqual(script.map(({ id }) => id))
        // Values of one id that are in use twice count twice, so what is counted here is the least.
        expect(mostBytes).toBeLessThanOrEqual(20)
        expect(calls.every(({ atLeastOne, maxBytes }) => !atLeastOne || maxBytes === 20)).toBe(true)
      }),
      {
        numRuns: 60,
        examples: [
          // A value larger than the limit, while only an empty one is in use.
          [
            [
              { id: 'a', turns: 3 },
              { id: 'e', turns: 3 },
            ],
            { a: 0, b: 0, c: 0, d: 0, e: 25, f: 0 },
          ],
        ],
      },
    )
  })
})
