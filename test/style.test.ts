// How code and documents are written: declarations, the width of comments, and words.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

// Files and folders, relative to the repository.
const CHECKED = [
  'bench',
  'bin',
  'deploy',
  'docs',
  'examples',
  'fake-github',
  'handler',
  'migrations',
  'script',
  'sdk',
  'src',
  'test',
  '.env.example',
  'ARCHITECTURE.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'README.md',
  'SECURITY.md',
  'vitest.config.ts',
]

const COMMENT_COLUMNS = 100

/** A word that a reader may not know, with what to write instead. */
type BannedWord = { pattern: RegExp; say: string }

const BANNED_WORDS: readonly BannedWord[] = [
  { pattern: /\brooms?\b/i, say: 'module, the rest of the program, space' },
  { pattern: /\bhouses?\b/i, say: 'the program' },
  { pattern: /(?<!Math\.)\bfloors?\b|\broofs?\b/i, say: 'layer' },
  { pattern: /\b(?:the|our|original) seed\b|\bseed's\b(?!:)|\bconst (?:seed|SEED)\b|\bseed-\w/i, say: 'what it is' },
  { pattern: /\b(?:the|original) guide\b|\bguide's\b|\bDESIGN §/i, say: 'what it says' },
  { pattern: /\bstrangers?\b/i, say: 'untrusted' },
  { pattern: /\bloans?\b|\bborrow\w*\b|\blend(?:s|ing)?\b|\blent\b/i, say: 'acquire, connection' },
  { pattern: /(?:\b(?:class|type|new|extends)|:) Turns\b|\bTurns</, say: 'Loop' },
  { pattern: /\bhurry\b/i, say: 'now' },
  { pattern: /(?:\b(?:class|type|new)|:) Hold\b|\bHELD\b|\bhold(?:s|ing)? (?:a|the|its) lease\b/, say: 'Lease' },
  { pattern: /\bof ours\b|\bnone of our\b|\bone of our\b/i, say: 'internal, Signalbox’s own' },
  { pattern: /\bthat is none\b|\bis none of\b/i, say: 'not valid' },
  { pattern: /\btold\b/i, say: 'notified' },
  { pattern: /\b(?:a|each|every|failed|lost|first|last|next|another|at|per) tr(?:y|ies)\b(?! to\b)/i, say: 'attempt' },
  { pattern: /\bThrows `/, say: '@throws AppError `code` when …' },
  { pattern: /\b(?:begins?|resumes?|continues?|one more|one) behind\b/i, say: 'after' },
  { pattern: /\b(?:takeOver|releaseUnknown|lapseAll|putWork)\b/, say: 'reclaim, release, expire, commit' },
]

/** Where something is wrong, so that an editor can open it: `file:line: what`. */
type Finding = string

const files = CHECKED.flatMap(filesIn).filter((file) => file !== 'test/style.test.ts')
const code = files.filter((file) => /\.(?:ts|mjs|js|sql)$/.test(file))

function filesIn(path: string): string[] {
  const full = join(root, path)
  if (!statSync(full).isDirectory()) return [path]
  return readdirSync(full, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((file) => !/(?:^|\/)(?:node_modules|dist|results)\/|\.json$/.test(file))
}

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

function findingsIn(paths: readonly string[], find: (text: string) => { line: number; what: string }[]): Finding[] {
  return paths.flatMap((path) => find(read(path)).map(({ line, what }) => `${path}:${line}: ${what}`))
}

function linesWith(text: string, what: (line: string) => string | null) {
  return text.split('\n').flatMap((line, i) => {
    const found = what(line)
    return found === null ? [] : [{ line: i + 1, what: found }]
  })
}

function wideComments(text: string) {
  return linesWith(text, (line) => {
    const isComment = /^\s*(?:\/\/|\/\*|\*|-- )/.test(line)
    if (!isComment || line.length <= COMMENT_COLUMNS || /https?:\/\//.test(line)) return null
    return `a comment of ${line.length} columns; wrap it at ${COMMENT_COLUMNS}`
  })
}

function interfaces(text: string) {
  return linesWith(text, (line) =>
    /^(?:export )?(?:declare )?interface \w/.test(line) ? 'an interface; write a type' : null,
  )
}

/** A constant at the top level that is an arrow function, unless its type says what it is. */
function arrowDeclarations(text: string) {
  return [...text.matchAll(/^(?:export )?const (\w+) = (?:async )?(?:<[^(]*>)?\(/gm)].flatMap((match) => {
    const after = text.slice(endOfParentheses(text, match.index + match[0].length))
    if (!/^\s*(?::[^\n]*?)?\s=>/.test(after)) return []
    const line = text.slice(0, match.index).split('\n').length
    return [{ line, what: `${match[1]} is an arrow function at the top level; declare a function` }]
  })
}

/** The index after the parenthesis that closes the one before `start`. */
function endOfParentheses(text: string, start: number): number {
  let depth = 1
  let at = start
  for (; depth > 0 && at < text.length; at++) {
    if (text[at] === '(') depth += 1
    if (text[at] === ')') depth -= 1
  }
  return at
}

function bannedWords(text: string) {
  return BANNED_WORDS.flatMap(({ pattern, say }) =>
    linesWith(text, (line) => {
      const [word] = pattern.exec(line) ?? []
      return word === undefined ? null : `"${word}"; say: ${say}`
    }),
  )
}

test('no comment is wider than 100 columns, unless it has an address in it', () => {
  expect(findingsIn(code, wideComments)).toEqual([])
})

test('types are written as types', () => {
  expect(findingsIn(code, interfaces)).toEqual([])
})

test('functions at the top level are declarations', () => {
  expect(findingsIn(code, arrowDeclarations)).toEqual([])
})

test('the words are those of the field', () => {
  expect(findingsIn(files, bannedWords)).toEqual([])
})

describe('these rules', () => {
  test.each([
    'const f = () => 1',
    'export const f = async (a: string) => a',
    'const f = <T>(value: T): T => value',
    'const f = (\n  a: string,\n  b = g(1),\n): Promise<void> => {\n}',
  ])('find the arrow function %j', (text) => {
    expect(arrowDeclarations(`// A file.\n\n${text}`)).toMatchObject([{ line: 3 }])
  })

  test.each([
    'const f: Sleep = (ms) => wait(ms)',
    'function f() {\n  const g = () => 1\n}',
    'const rows = (await query()).filter((row) => row)',
    'const isRoot = (() => {\n  return true\n})()',
    'const sum = (a + b) * 2',
    'const all = items.map((item) => item)',
  ])('leave %j alone', (text) => {
    const found = arrowDeclarations(text)
    expect(found).toEqual([])
  })

  test.each([
    'what the rest of the house knows',
    'A floor of its own.',
    "the seed's example",
    'const seed = 1',
    'as in the guide',
    "a stranger's text",
    'type Hold = {}',
    'new Turns(this)',
    'holds a lease',
    'that is none of our concern',
    'an id of ours',
    'every try has its row',
    'a failed try is tried again',
    'Throws `not_found`',
    'the endpoint is told',
    'resumes behind its last step',
  ])('find a word in "%s"', (text) => {
    expect(bannedWords(text)).not.toEqual([])
  })

  test.each([
    'Math.floor(Date.now() / 1000)',
    'Turns signed webhooks into finished work.',
    "{ 'model.options.seed': 1 }",
    'it tries again, and retries',
    'every try to connect fails',
    'a warehouse',
    'a proxy behind a load balancer',
    'PostgreSQL cannot hold NUL',
    'getting started: a guide for users',
    'try { await run() } catch {}',
  ])('find none in "%s"', (text) => {
    expect(bannedWords(text)).toEqual([])
  })

  test('count columns of comments only, and allow long addresses', () => {
    const long = 'x'.repeat(100)
    expect(wideComments(`// ${long}`)).toMatchObject([{ line: 1 }])
    expect(wideComments(`code()\n/**\n * ${long}\n */`)).toMatchObject([{ line: 3 }])
    expect(wideComments(`select 1;\n-- ${long}`)).toMatchObject([{ line: 2 }])
    expect(wideComments(`const text = '${long}'\n// https://example.com/${long}\n// ${long.slice(3)}`)).toEqual([])
  })

  test('find interfaces, but not those that extend the ones of a library', () => {
    expect(interfaces('export interface A {}\ninterface B {}')).toHaveLength(2)
    expect(interfaces("declare module 'vitest' {\n  export interface ProvidedContext {}\n}")).toEqual([])
  })
})
