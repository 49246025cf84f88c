import { expect, test } from 'vitest'
import type { ReadForge } from '../forges/forge.ts'
import type { Output } from './output.ts'
import { previewOf } from './preview.ts'

const FILES: Record<string, string> = { 'main:src/a.ts': 'one\ntwo\nthree\n', 'dev:src/a.ts': 'dev\n' }
const forge = {
  defaultBranch: async () => 'main',
  readFile: async (_: string, path: string, ref: string) => FILES[`${ref}:${path}`] ?? null,
} as Partial<ReadForge> as ReadForge

const pull: Output = {
  kind: 'pull_request',
  repository: 'acme/shop',
  branch: 'signalbox/x',
  title: 'Format',
  body: 'A **body**.',
  commitMessage: 'Format',
  labels: ['bot'],
  key: 'k',
  changes: [
    { path: 'src/a.ts', content: 'one\n2\nthree\n' },
    { path: 'new.txt', content: 'new\n' },
    { path: 'logo.png', content: { base64: 'AAEC' } },
  ],
}

test('a pull request is shown with its texts and a diff to its base', async () => {
  expect(await previewOf(forge, pull)).toBe(`branch: signalbox/x
commitMessage: Format
labels: ["bot"]

Format

A **body**.

changed Index: src/a.ts
--- src/a.ts
+++ src/a.ts
@@ -1,3 +1,3 @@
 one
-two
+2
 three


new file Index: new.txt
--- new.txt
+++ new.txt
@@ -0,0 +1,1 @@
+new


logo.png: new file, 3 bytes that are no text`)
})

test('a commit is compared with its branch, and a deletion is shown', async () => {
  const commit: Output = {
    kind: 'commit',
    repository: 'acme/shop',
    branch: 'dev',
    message: 'm',
    key: 'k',
    changes: [{ path: 'src/a.ts', deleted: true }],
  }
  expect(await previewOf(forge, commit)).toMatch(/^branch: dev\nmessage: m\n\ndeleted Index: src\/a\.ts\n.*\n-dev\n/s)
})

test('what has no files is its fields and texts, cut where they are long', async () => {
  const comment: Output = { kind: 'comment', repository: 'acme/shop', target: { issue: 1 }, body: 'Hi', key: 'k' }
  expect(await previewOf(forge, comment)).toBe('target: {"issue":1}\n\nHi')
  expect(await previewOf(forge, { ...comment, body: 'x'.repeat(200_000) })).toHaveLength(60_000)
})
