// No regular expression of the program takes more than linear time, whatever it is given.
import { readdirSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test, vi } from 'vitest'
import { parseAst } from 'vitest/node'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Where a regular expression stands, and what it is. */
type Found = { at: string; source: string; flags: string }

const files = ['src', 'handler/src', 'sdk/src'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !/\.test\.ts$|fixtures\//.test(file))
    .map((file) => `${folder}/${file}`),
)

function nodesOf(node: unknown): Record<string, unknown>[] {
  if (Array.isArray(node)) return node.flatMap(nodesOf)
  if (typeof node !== 'object' || node === null) return []
  const inside = Object.entries(node).flatMap(([key, value]) => (key === 'parent' ? [] : nodesOf(value)))
  return 'type' in node ? [node as Record<string, unknown>, ...inside] : inside
}

/** The literals of a file, and how many it makes with `new RegExp`. */
function readFile(file: string): { literals: Found[]; made: number } {
  const code = stripTypeScriptTypes(readFileSync(join(root, file), 'utf8'))
  const nodes = nodesOf(parseAst(code))
  const literals = nodes.flatMap(({ type, regex, start }) => {
    if (type !== 'Literal' || typeof regex !== 'object' || regex === null) return []
    const { pattern, flags } = regex as { pattern: string; flags: string }
    return [{ at: `${file}:${code.slice(0, start as number).split('\n').length}`, source: pattern, flags }]
  })
  const made = nodes.filter(({ type, callee }) => {
    const isCall = type === 'NewExpression' || type === 'CallExpression'
    return isCall && (callee as { name?: string }).name === 'RegExp'
  })
  return { literals, made: made.length }
}

/** Those that a file makes with `new RegExp` when it is loaded. */
async function madeBy(file: string): Promise<Found[]> {
  const path = join(root, file)
  const made: Found[] = []
  const original = globalThis.RegExp
  globalThis.RegExp = new Proxy(original, {
    construct(target, [source, flags]) {
      const caller = new Error().stack?.split('\n').find((line) => line.includes('/src/')) ?? ''
      if (caller.includes(path)) made.push({ at: file, source: String(source), flags: flags ?? '' })
      return new target(source, flags)
    },
  })
  try {
    vi.resetModules()
    await import(/* @vite-ignore */ path)
  } finally {
    globalThis.RegExp = original
  }
  return made
}

/**
 * A text for each part of a regular expression, in their order: what a class, an escape or a
 * literal matches, as often as it must stand there.
 */
function partsOf(source: string): string[] {
  const parts: string[] = []
  const token =
    /\\[pP]\{[^}]*\}|\\u\{[^}]*\}|\\[ux][0-9a-fA-F]{2,4}|\\.|\[\^?(?:\\.|[^\]\\])*\]|\{(\d+)(,?)\d*\}|\(\?(?:<?[=!]|:|<\w+>)|[\s\S]/g
  for (const [text, least] of source.matchAll(token)) {
    const last = parts.at(-1)
    if (least !== undefined && last !== undefined)
      parts[parts.length - 1] = last.repeat(Math.min(Number(least), 64) || 1)
    else if (!/^(?:\(\?.*|[()|?*+^$])$/s.test(text)) parts.push(exampleOf(text))
  }
  return parts
}

function exampleOf(text: string): string {
  if (text.length === 1) return text === '.' ? 'a' : text
  const one = new RegExp(`^${text}$`, /\\[pPu]\{/.test(text) ? 'u' : '')
  const chars = ['a', 'A', '1', ' ', '-', '.', '/', ':', '_', '`', '#', '@', '=', ',', '\t', '\n', '\u200b', '\u0085']
  return [...chars, ...text.replaceAll(/[\\[\]^]/g, '')].find((char) => one.test(char)) ?? 'a'
}

const MAX_PARTS = 12

/** Texts of `length` that may make the search begin, or go back, at every place. */
function* attacks(source: string, length: number): Generator<string> {
  const parts = partsOf(source)
  const fill = (piece: string) => piece.repeat(Math.ceil(length / piece.length)).slice(0, length)
  for (let from = 0; from < parts.length; from += 1) {
    for (let to = from + 1; to <= Math.min(parts.length, from + MAX_PARTS); to += 1) {
      const piece = parts.slice(from, to).join('')
      for (const start of ['', parts.slice(0, from).join('')]) {
        for (const end of ['\u0000', '\n\u0000']) yield start + fill(piece) + end
      }
      yield fill(`-${piece}`)
    }
  }
  yield fill(parts.join(''))
}

const CHARS = 20_000
const CHEAP_MS = 4
const SLOW_MS = 100

/** The processor time of this thread, which other processes do not lengthen. */
function cost(pattern: RegExp, text: string): number {
  const before = process.threadCpuUsage()
  text.replace(pattern, '')
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1000
}

function least(pattern: RegExp, text: string): number {
  const first = cost(pattern, text)
  return first > SLOW_MS ? first : Math.min(first, ...Array.from({ length: 3 }, () => cost(pattern, text)))
}

// A text as short as these is cheap, unless the time grows with a high power of its length.
const SHORT = [24, 200, 1000]

/** The first attack on a regular expression that costs more than the text is long. */
function worstAttack({ source, flags }: Omit<Found, 'at'>): string | null {
  const pattern = new RegExp(source, `${flags.replaceAll(/[gy]/g, '')}g`)
  const isCheap = (text: string) => cost(pattern, text) < CHEAP_MS || least(pattern, text) < CHEAP_MS
  for (const length of SHORT) {
    for (const text of attacks(source, length)) if (!isCheap(text)) return `slow on ${length}: ${text.slice(0, 40)}`
  }
  const twice = attacks(source, 2 * CHARS)
  for (const text of attacks(source, CHARS)) {
    const longer = twice.next().value ?? ''
    if (isCheap(text)) continue
    const once = least(pattern, text)
    if (once > SLOW_MS || least(pattern, longer) / once > 3) return `${once} ms: ${JSON.stringify(text.slice(0, 40))}`
  }
  return null
}

test('no regular expression costs more than its text is long', { timeout: 600_000 }, async () => {
  const read = files.map((file) => ({ file, ...readFile(file) }))
  const making = read.filter((one) => one.made > 0)
  const made: Found[][] = []
  // One by one, because each replaces the global constructor.
  for (const { file } of making) made.push(await madeBy(file))
  const all = [...read.flatMap(({ literals }) => literals), ...made.flat()]
  expect(all.length).toBeGreaterThan(100)
  const slow = all.map((one) => ({ ...one, attack: worstAttack(one) })).filter(({ attack }) => attack !== null)
  expect(slow).toEqual([])
  // One made later would not be seen here: each is to be made of constants when its file is loaded.
  expect(making.filter((one, at) => (made[at]?.length ?? 0) < one.made)).toEqual([])
})

test.each([
  String.raw`\s+$`,
  String.raw`\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}`,
  '^(?:a+)+$',
  String.raw`<[^<>]*page=(\d+)[^<>]*>`,
  'a.*b.*c',
  ', received .*$',
])('the attacks find that %s is slow', (source) => expect(worstAttack({ source, flags: '' })).not.toBeNull())
