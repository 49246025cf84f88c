// One glob, parsed and matched in a time that grows with the value only (with its square where
// `!(…)` follows a star): all ways to match are followed at once, where a regular expression would
// try them one after the other.

/** How a pattern is read. */
export type PatternKind = {
  /** Whether `*` and `?` stop at a `/`; brackets are classes of characters only then. */
  path: boolean
}

type Part =
  | { kind: 'text'; text: string }
  | { kind: 'one'; accepts: (char: string) => boolean }
  /** Any run of characters, at least so many. */
  | { kind: 'run'; least: 0 | 1; crossesSlash: boolean }
  /** Any number of whole folders: `**` and the slash after it. */
  | { kind: 'folders' }
  /** Nothing, or a slash and all after it: the end of `docs/**`. */
  | { kind: 'inside' }
  | { kind: 'either'; options: Part[][] }
  | { kind: 'neither'; options: Part[][] }

/**
 * How a pattern is being read: what begins at each place, so that no place is read twice. A
 * negation is no part of another, or the time would grow with a power of their depth.
 */
type Reading = PatternKind & { groups: Map<number, { part: Part; end: number } | null>; isNegated: boolean }

/** Positions in the value, in ascending order, each once. */
type Positions = number[]

/** Compiles a pattern. */
export function compilePattern(pattern: string, kind: PatternKind): (value: string) => boolean {
  const { parts } = parse(pattern, 0, '', { ...kind, groups: new Map(), isNegated: false })
  const [first, last] = [parts[0], parts.at(-1)]
  // Names differ at their beginning, and most patterns of them end with a star.
  const start = first?.kind === 'text' ? first.text : ''
  const isOpen = last?.kind === 'run' && last.crossesSlash
  const inner = parts.slice(start === '' ? 0 : 1, isOpen ? -1 : undefined)
  return (value) => {
    if (!value.startsWith(start)) return false
    const ends = follow(inner, value, [start.length], kind)
    return isOpen ? ends.length > 0 : ends.at(-1) === value.length
  }
}

/** Reads parts up to one of the characters in `stops`, or to the end. */
function parse(pattern: string, start: number, stops: string, kind: Reading): { parts: Part[]; end: number } {
  const parts: Part[] = []
  let at = start
  while (at < pattern.length && !stops.includes(pattern.charAt(at))) {
    const { part, end } = parsePart(pattern, at, kind)
    const last = parts.at(-1)
    if (part.kind === 'text' && last?.kind === 'text') last.text += part.text
    else parts.push(part)
    at = end
  }
  return { parts, end: at }
}

function parsePart(pattern: string, at: number, kind: Reading): { part: Part; end: number } {
  const char = pattern.charAt(at)
  const group = groupAt(pattern, at, kind)
  if (group !== null) return group
  if (char === '*') return starAt(pattern, at, kind)
  if (kind.path && pattern.startsWith('/**', at) && at + 3 === pattern.length)
    return { part: { kind: 'inside' }, end: at + 3 }
  if (char === '?') return { part: { kind: 'one', accepts: (one) => !kind.path || one !== '/' }, end: at + 1 }
  if (char === '[' && kind.path) {
    const found = classAt(pattern, at)
    if (found !== null) return found
  }
  const isEscape = char === '\\' && at + 1 < pattern.length
  const text = isEscape ? pattern.charAt(at + 1) : char
  return { part: { kind: 'text', text }, end: at + (isEscape ? 2 : 1) }
}

function starAt(pattern: string, at: number, { path }: PatternKind): { part: Part; end: number } {
  let end = at
  while (pattern.charAt(end) === '*') end += 1
  if (!path) return { part: { kind: 'run', least: 0, crossesSlash: true }, end }
  const startsSegment = at === 0 || pattern.charAt(at - 1) === '/'
  const isDouble = end - at > 1
  if (isDouble && startsSegment && pattern.charAt(end) === '/') return { part: { kind: 'folders' }, end: end + 1 }
  const isSegment = startsSegment && (end === pattern.length || pattern.charAt(end) === '/')
  return { part: { kind: 'run', least: isSegment && !isDouble ? 1 : 0, crossesSlash: isDouble }, end }
}

/** `{a,b}` or `!(a|b)`; null when none begins here, or it has no end. */
function groupAt(pattern: string, start: number, kind: Reading): { part: Part; end: number } | null {
  const known = kind.groups.get(start)
  if (known !== undefined) return known
  const found = readGroup(pattern, start, kind)
  kind.groups.set(start, found)
  return found
}

function readGroup(pattern: string, start: number, kind: Reading): { part: Part; end: number } | null {
  const isEither = pattern.charAt(start) === '{'
  if (!isEither && (kind.isNegated || !pattern.startsWith('!(', start))) return null
  const inside = isEither ? kind : { ...kind, groups: new Map(), isNegated: true }
  const [separator, close] = isEither ? [',', '}'] : ['|', ')']
  const options: Part[][] = []
  let at = start + (isEither ? 0 : 1)
  while (at < pattern.length && pattern.charAt(at) !== close) {
    const { parts, end } = parse(pattern, at + 1, separator + close, inside)
    options.push(parts)
    at = end
  }
  if (at >= pattern.length || (isEither && options.length < 2)) return null
  return { part: { kind: isEither ? 'either' : 'neither', options }, end: at + 1 }
}

/** `[0-9]`, `[!a]`; null when it has no end. */
function classAt(pattern: string, start: number): { part: Part; end: number } | null {
  const isNegated = '!^'.includes(pattern.charAt(start + 1)) && start + 1 < pattern.length
  const from = start + (isNegated ? 2 : 1)
  // A bracket that comes first is one of the characters.
  const close = pattern.indexOf(']', from + 1)
  if (close === -1) return null
  const ranges = [...pattern.slice(from, close).matchAll(/(.)-(.)|(.)/gs)].map(
    ([, first, last, one]) => [first ?? one ?? '', last ?? one ?? ''] as const,
  )
  const accepts = (char: string) =>
    char !== '/' && ranges.some(([first, last]) => first <= char && char <= last) !== isNegated
  return { part: { kind: 'one', accepts }, end: close + 1 }
}

/** Where the parts may end that begin at one of the positions. */
function follow(parts: readonly Part[], value: string, starts: Positions, kind: PatternKind): Positions {
  let positions = starts
  for (const part of parts) {
    if (positions.length === 0) return positions
    positions = step(part, value, positions, kind)
  }
  return positions
}

function step(part: Part, value: string, starts: Positions, kind: PatternKind): Positions {
  switch (part.kind) {
    case 'text':
      return starts.filter((at) => value.startsWith(part.text, at)).map((at) => at + part.text.length)
    case 'one':
      return starts.filter((at) => at < value.length && part.accepts(value.charAt(at))).map((at) => at + 1)
    case 'run':
      return runs(value, starts, part.crossesSlash, part.least)
    case 'folders':
      return merged(
        starts,
        after(value, starts, (at) => value.charAt(at - 1) === '/'),
      )
    case 'inside': {
      const slash = starts.find((at) => value.charAt(at) === '/')
      return merged(starts, slash === undefined ? [] : [value.length])
    }
    case 'either':
      return part.options.reduce<Positions>((ends, option) => merged(ends, follow(option, value, starts, kind)), [])
    case 'neither':
      return others(part.options, value, starts, kind)
  }
}

/** The ends of runs of at least so many characters from one of the positions. */
function runs(value: string, starts: Positions, crossesSlash: boolean, least: 0 | 1): Positions {
  const isStart = new Set(starts)
  const ends: Positions = []
  let isRunning = false
  for (let at = starts[0] ?? 0; at <= value.length; at += 1) {
    const before: boolean = isRunning || (at > 0 && isStart.has(at - 1))
    isRunning = at > (starts[0] ?? 0) && before && (crossesSlash || value.charAt(at - 1) !== '/')
    if (isRunning || (least === 0 && isStart.has(at))) ends.push(at)
  }
  return ends
}

/** The positions after the first one for which the condition is true. */
function after(value: string, starts: Positions, isEnd: (at: number) => boolean): Positions {
  const ends: Positions = []
  for (let at = (starts[0] ?? 0) + 1; at <= value.length; at += 1) if (isEnd(at)) ends.push(at)
  return ends
}

/** The ends of runs that are none of the options. */
function others(options: readonly Part[][], value: string, starts: Positions, kind: PatternKind): Positions {
  // How many of the runs that end at a position are one of the options.
  const matching = new Map<number, number>()
  for (const start of starts) {
    const ends = new Set(options.flatMap((option) => follow(option, value, [start], kind)))
    for (const end of ends) matching.set(end, (matching.get(end) ?? 0) + 1)
  }
  const isStart = new Set(starts)
  let running = 0
  return after(value, [(starts[0] ?? 0) - 1], (at) => {
    if (kind.path && at > 0 && value.charAt(at - 1) === '/') running = 0
    if (isStart.has(at)) running += 1
    return running > (matching.get(at) ?? 0)
  })
}

function merged(some: Positions, more: Positions): Positions {
  return [...new Set([...some, ...more])].sort((a, b) => a - b)
}
