// What each change set on a pull request says in a few lines. A newer one replaces the body, so the
// notes of all of them are kept in the body as data, and those of the earlier ones are shown.
import { z } from 'zod'

const note = z.object({ key: z.string(), order: z.number().optional(), text: z.string() })
const stored = z.object({ notes: z.array(note), dropped: z.int().min(0) })

/** One change set's note: its key and place in the series, and what it says, in Markdown. */
export type Note = z.infer<typeof note>

type Notes = z.infer<typeof stored>

// As data and as shown; the rest of a body of 65,000 characters is the newest change set's.
const MAX_NOTES_CHARS = 8000
const START = '<!-- signalbox-notes:'
const NOTES = /<!-- signalbox-notes:([^<>]*) -->/

/** A pull request's body without its notes and what stands below them. */
export function withoutNotes(body: string): string {
  const at = body.indexOf(START)
  return at === -1 ? body : body.slice(0, at).trimEnd()
}

/**
 * The end of a pull request's body: the notes that `before` had, and this one in its place; empty
 * without any. The newest note is not shown, because its change set's body is.
 */
export function notesSection(before: string, own: Note | null): string {
  const { notes: old, dropped } = readNotes(before)
  const others = old.filter(({ key }) => key !== own?.key)
  const all = (own === null ? others : [...others, own]).toSorted((a, b) => (a.order ?? 0) - (b.order ?? 0))
  if (all.length === 0) return ''
  const notes = newest(all)
  const left = { notes, dropped: dropped + all.length - notes.length }
  return `\n\n${START}${asComment(left)} -->${shown(left)}`
}

function readNotes(body: string): Notes {
  try {
    return stored.parse(JSON.parse(NOTES.exec(body)?.[1] ?? ''))
  } catch {
    // None, or a person has edited it.
    return { notes: [], dropped: 0 }
  }
}

function newest(notes: readonly Note[]): Note[] {
  let chars = 0
  const from = notes.findLastIndex(({ text }) => {
    chars += text.length + 100
    return chars > MAX_NOTES_CHARS
  })
  return notes.slice(Math.min(from + 1, notes.length - 1))
}

/** JSON in which nothing can end the comment: all of it stands in texts, where escapes are read. */
function asComment(notes: Notes): string {
  return JSON.stringify(notes).replaceAll('<', '\\u003c').replaceAll('>', '\\u003e').replaceAll('--', '-\\u002d')
}

function shown({ notes, dropped }: Notes): string {
  const earlier = notes.slice(0, -1).map(({ text }) => text)
  if (earlier.length + dropped === 0) return ''
  const more = dropped > 0 ? [`*and ${dropped} more before*`] : []
  return ['', '## Earlier in This Pull Request', ...earlier.toReversed(), ...more].join('\n\n')
}
