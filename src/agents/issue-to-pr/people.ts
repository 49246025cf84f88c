// Whose words count: those of people who may write in the repository.
import type { ReadForge } from '../../forges/forge.ts'
import { readMarker } from '../../lib/marker.ts'
import { reaches } from '../../lib/permission.ts'

/** Words with what they are, such as a comment, and who wrote them. */
export type Said = { what: string; author: string | null; body: string }

type Written = { author: string | null; body: string }

const MAX_SAID = 50

/** Asks for each account once. */
export function openPeople(forge: ReadForge, repository: string) {
  const known = new Map<string, Promise<boolean>>()
  const may = (login: string | null): Promise<boolean> => {
    if (login === null) return Promise.resolve(false)
    const asked = known.get(login) ?? forge.permission(repository, login).then((level) => reaches(level, 'write'))
    known.set(login, asked)
    return asked
  }
  return {
    /** Whether an account may write. */
    may,
    /** The newest of what was written by those who may, and how many others there are. */
    async said(written: readonly Written[], what: string): Promise<{ said: Said[]; unread: number }> {
      // What this program wrote itself says nothing new.
      const all = written.filter(({ body }) => readMarker(body) === null)
      const newest = all.slice(-MAX_SAID)
      const allowed = await Promise.all(newest.map(({ author }) => may(author)))
      const said = newest.filter((_, at) => allowed[at]).map(({ author, body }) => ({ what, author, body }))
      return { said, unread: all.length - said.length }
    },
  }
}
