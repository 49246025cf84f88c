// The documents match the program: the tables of errors and settings, folders, and files.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { expect, test } from 'vitest'
import { VARIABLE_NAMES } from '../src/lib/environment.ts'
import { ERRORS } from '../src/lib/error.ts'
import { GROUP_FACTS } from '../src/rules/group.ts'

function read(path: string): string {
  return readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
}

test('docs/errors.md lists exactly the errors of the table', () => {
  const listed = [...read('docs/errors.md').matchAll(/^\| `(\w+)` \| (\d+) \| (.*) \| (.*) \|$/gm)]
  const rows = listed.map(([, code, status, message, hint]) => [code, { status: Number(status), message, hint }])
  expect(Object.fromEntries(rows)).toEqual(ERRORS)
})

test('.env.example and docs/configuration.md list exactly the variables of the program', () => {
  const inExample = [...read('.env.example').matchAll(/^([A-Z_]+)=/gm)].map((match) => match[1])
  const inDocs = [...read('docs/configuration.md').matchAll(/^\| `([A-Z_]+)` \|/gm)].map((match) => match[1])
  expect([...inExample].sort()).toEqual([...VARIABLE_NAMES].sort())
  expect([...inDocs].sort()).toEqual([...VARIABLE_NAMES].sort())
})

const DOCUMENTS = [
  'README.md',
  'CONTRIBUTING.md',
  'ARCHITECTURE.md',
  'CHANGELOG.md',
  'SECURITY.md',
  ...readdirSync(new URL('../docs', import.meta.url), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]

function exists(path: string): boolean {
  return existsSync(new URL(`../${path}`, import.meta.url))
}

test('ARCHITECTURE.md lists exactly the folders of src', () => {
  const tree = /^src\/\n((?: {2}.*\n)+)/m.exec(read('ARCHITECTURE.md'))?.[1] ?? ''
  const listed = [...tree.matchAll(/^ {2}(\S+)\//gm)].map((match) => match[1])
  const src = new URL('../src/', import.meta.url)
  const folders = readdirSync(src).filter((name) => statSync(new URL(name, src)).isDirectory())
  expect(listed.sort()).toEqual([...folders, 'db/embedded'].sort())
})

test('docs/agents.md names every fact of an event, and docs/jobs.md those of a key', () => {
  const facts = [...read('src/events/facts.ts').matchAll(/^ {2}(\w+)\?:/gm)].map(([, name = '']) => name)
  const table = /`event\.facts` has(.*?)\n## /s.exec(read('docs/agents.md'))?.[1] ?? ''
  const rows = [...table.matchAll(/^\| (`\w+`(?:, `\w+`)*) \|/gm)].flatMap(
    ([, names = '']) => names.match(/\w+/g) ?? [],
  )
  expect(rows.sort()).toEqual(facts.sort())
  const [, keys = ''] = /`key` names a group, by facts of the event: (.*?)\./s.exec(read('docs/jobs.md')) ?? []
  expect(keys.match(/(?<=`)\w+(?=`)/g)).toEqual(GROUP_FACTS)
})

test('every file of src that the documents name exists', () => {
  const named = DOCUMENTS.flatMap((document) =>
    [...read(document).matchAll(/`(?:src\/)?([\w-]+(?:\/[\w-]+)*\.ts)`/g)].map((match) => match[1] ?? ''),
  )
  const missing = [...new Set(named)].filter(
    (path) => !exists(`src/${path}`) && !exists(path) && !path.includes('NAME'),
  )
  const inOtherFolders = new Set(['signalbox.config.ts', 'x.test.ts'])
  expect(missing.filter((path) => !inOtherFolders.has(path)).sort()).toEqual([])
})

test('every link of the documents leads to a file, and to a heading in it', () => {
  const broken = DOCUMENTS.flatMap((document) =>
    [...read(document).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)].flatMap(([link, path = '', heading]) => {
      const target = path === '' ? document : new URL(path, `file:///${document}`).pathname.slice(1)
      if (!exists(target)) return [`${document}: ${link}`]
      const headings = [...read(target).matchAll(/^#+ (.*)$/gm)].map(([, text = '']) =>
        text
          .toLowerCase()
          .replaceAll(/[^\w -]/g, '')
          .replaceAll(' ', '-'),
      )
      return heading === undefined || headings.includes(heading) ? [] : [`${document}: ${link}`]
    }),
  )
  expect(broken).toEqual([])
})

test('docs/operations.md names the flags of V8 that bin/signalbox passes', () => {
  const passed = /heap='([^']+)'/.exec(read('bin/signalbox'))?.[1] ?? ''
  const operations = read('docs/operations.md')
  expect(passed).toMatch(/^--max-semi-space-size=\d+ /)
  expect(operations).toContain(`node ${passed} /`)
  expect(operations).toContain(
    passed
      .split(' ')
      .map((flag) => `"${flag}"`)
      .join(', '),
  )
})
