// The examples of docs/outputs.md, published in their order.
import { readFileSync } from 'node:fs'
import { afterAll, expect, test } from 'vitest'
import { openKindsStage } from './fixtures/kinds-stage.ts'
import type { Output, Receipt } from './output.ts'
import { parseOutputs } from './output.ts'
import { resolveReferences } from './references.ts'

const stage = await openKindsStage()
afterAll(() => stage.close())
const text = readFileSync(new URL('../../docs/outputs.md', import.meta.url), 'utf8')
const examples = [...text.matchAll(/^## `(\w+)`\n.*?^```json\n(.*?)^```$/gms)].map(([, kind, json]) => [
  kind,
  json ?? '',
])

test('every kind of output has an example, and each of them is written', async () => {
  const repo = await stage.fake.addRepository({
    owner: 'acme',
    name: 'shop',
    files: { 'src/cart.ts': 'one\n', 'old.txt': 'old' },
    collaborators: { jane: 'write' },
  })
  await repo.openIssue({ title: 'i', labels: ['needs-triage'] })
  const files = { 'src/cart.ts': 'one\ntwo\nthree\n' }
  const commit = await repo.commit({ message: 'c', files, branch: 'feature' })
  await repo.openPullRequest({ title: 'p', head: 'feature' })
  const place = { path: 'src/cart.ts', line: 1, body: 'Why?', commit_id: commit }
  await stage.owner.pulls.createReviewComment({ owner: 'acme', repo: 'shop', pull_number: 2, ...place })
  const [thread] = await stage.forgeWith().reviewThreads('acme/shop', 2)
  const asked = examples.map(
    ([, json]) =>
      JSON.parse((json ?? '').replaceAll(/[0-9a-f]{40}/g, commit).replace(/PRRT_\w+/, thread?.id ?? '')) as Output,
  )
  const outputs = parseOutputs(asked)
  expect(outputs.map(({ kind }) => kind)).toEqual(examples.map(([kind]) => kind))
  const receipts = new Map<string, Receipt | null>()
  for (const output of outputs) {
    const receipt = await stage.send(resolveReferences(output, receipts))
    expect(receipt).not.toBe(null)
    if (output.name !== undefined) receipts.set(output.name, receipt)
  }
  expect(outputs).toHaveLength(10)
  const comments = await repo.issueComments(1)
  expect(comments[0]?.body).toMatch(/^Done in http:\/\/.*\/acme\/shop\/pull\/3\.\n/)
  const lines = await stage.owner.pulls.listReviewComments({ owner: 'acme', repo: 'shop', pull_number: 2 })
  expect(lines.data.map(({ line }) => line)).toEqual([1, 2, 3, 1])
})
