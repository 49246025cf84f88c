// The tests run on a newer PostgreSQL than the oldest that Signalbox runs on, which is to take what
// they run too.
import pg from 'pg'
import { afterAll, expect, inject } from 'vitest'

/** Has the tests of a file fail at their end when one ran what PostgreSQL 15 would refuse. */
export function requireStatementsOf15(): void {
  const taken = new Set<string>()
  const { query } = pg.Client.prototype
  pg.Client.prototype.query = function (this: pg.Client, ...asked: unknown[]) {
    const answer: unknown = Reflect.apply(query, this, asked)
    const [what] = asked
    const text = typeof what === 'string' ? what : (what as { text?: unknown } | undefined)?.text
    // What the server refuses is meant to be refused, or is seen by the test.
    if (answer instanceof Promise && typeof text === 'string' && !taken.has(text))
      answer.then(
        () => taken.add(text),
        () => {},
      )
    return answer
  } as typeof query
  afterAll(async () => {
    // All files ask one process: most of their statements are the same.
    const response = await fetch(inject('databaseServerUrl'), { method: 'POST', body: JSON.stringify([...taken]) })
    expect(await response.json(), 'PostgreSQL 15 would refuse these').toEqual([])
  })
}
