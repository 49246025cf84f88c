// Which types of events there are, as far as this program knows: to say of a misspelt one in the
// configuration that nothing will ever match it.
import { compileGlobs, NAME } from '../lib/glob.ts'
import { didYouMean, nearest } from '../lib/nearest.ts'
import { isInternal } from './event-type.ts'
import { GITHUB_EVENTS, GITHUB_TYPES } from './github/event-types.ts'

const EXCLUSION = /^!(?!\()/
// What this program records itself, and where those events say that they come from.
const OWN_SOURCES = ['deployments', 'manual', 'outbox', 'signalbox', 'test']
const OWN_EVENTS: ReadonlyMap<string, readonly string[]> = new Map([
  ['environment', ['deployed', 'merged']],
  ['deployment', ['drifted']],
  ['job', ['completed', 'failed', 'waiting']],
  ['endpoint', ['disabled', 'failing', 'recovered']],
  ['rule', ['paused']],
  ['delivery', ['exhausted']],
  ['manual', []],
  ['command', []],
])
// The action of these is whatever its sender calls it.
const ANY_ACTION = ['repository_dispatch']
const EVENTS = new Map([
  ...GITHUB_EVENTS,
  // GitHub has an event of the same name as some.
  ...[...OWN_EVENTS].map(([event, actions]) => [event, [...(GITHUB_EVENTS.get(event) ?? []), ...actions]] as const),
])
const TYPES = [
  ...GITHUB_TYPES,
  ...[...OWN_EVENTS].flatMap(([event, actions]) =>
    actions.length === 0 ? [event] : actions.map((action) => `${event}.${action}`),
  ),
]

/**
 * Whether types that begin with this name belong to GitHub or to this program, so that no other
 * source may be called so.
 */
export function isReserved(name: string): boolean {
  return isInternal(name) || GITHUB_EVENTS.has(name)
}

/**
 * A sentence for each of these globs that matches no event that is known: one of GitHub's, of this
 * program's, or one below the name of a source, which may be any. GitHub may have newer ones. Below
 * another name it may be one that another program emits, unless it looks like a mistake.
 */
export function unknownTypes(globs: readonly string[], sources: Iterable<string>): string[] {
  const names = [...sources, ...ANY_ACTION]
  return globs
    .map((glob) => glob.replace(EXCLUSION, ''))
    .filter((glob) => glob !== '' && !isKnown(glob, names))
    .map((glob) => ({ glob, hint: hint(glob, names) }))
    .filter(({ glob, hint }) => hint !== '' || !mayBeEmitted(glob))
    .map(({ glob, hint }) => {
      const verb = glob === literalStart(glob) ? 'is called' : 'matches'
      return `no known event ${verb} ${JSON.stringify(glob)}${hint}`
    })
}

/** A sentence for each glob that matches no source, and none of this program's own names. */
export function unknownSources(globs: readonly string[], sources: Iterable<string>): string[] {
  const names = [...sources, ...OWN_SOURCES]
  return globs
    .map((glob) => glob.replace(EXCLUSION, ''))
    .filter((glob) => glob !== '' && !names.some(compileGlobs(glob, NAME)))
    .map((glob) => `no source is called ${JSON.stringify(glob)}${didYouMean(glob, names)}`)
}

function isKnown(glob: string, sources: readonly string[]): boolean {
  const start = literalStart(glob)
  const isBelow = (prefix: string) => start.startsWith(prefix) || (start !== glob && prefix.startsWith(start))
  return sources.some((name) => isBelow(`${name}.`)) || TYPES.some(compileGlobs(glob, NAME))
}

/** Whether it is for events below a name that is free for other programs. */
function mayBeEmitted(glob: string): boolean {
  const [name = '', ...rest] = literalStart(glob).split('.')
  return rest.length > 0 && !isReserved(name)
}

/** What all that the glob matches begins with; the whole of it when it is no pattern. */
function literalStart(glob: string): string {
  return /^[^*?{!]*/.exec(glob)?.[0] ?? ''
}

/** The nearest known event, and of its actions the nearest or, where none is near, all. */
function hint(glob: string, sources: readonly string[]): string {
  const [word = '', ...rest] = glob.split('.')
  const action = rest.join('.')
  const event = EVENTS.has(word) ? word : nearest(word, [...EVENTS.keys(), ...sources])
  if (event === null) return ''
  const actions = EVENTS.get(event) ?? []
  if (actions.length === 0 || action === '*')
    return meant(actions.length === 0 && EVENTS.has(event) ? event : `${event}.*`)
  if (action === '') return meant(`${event}.*`)
  const near = actions.includes(action) ? action : nearest(action, actions)
  return near === null ? `; ${event} has ${actions.join(', ')}` : meant(`${event}.${near}`)
}

function meant(type: string): string {
  return `; did you mean ${JSON.stringify(type)}?`
}
