import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { PullRequest } from '../../forges/forge.ts'
import { markerText } from '../../lib/marker.ts'
import type { PullRequestOutput } from '../../publisher/pull-request-output.ts'
import { answerDeployment } from './answer.ts'
import { answerWithOwnFile } from './file-owner.ts'

const deployed = JSON.parse(readFileSync(new URL('fixtures/deployed-event.json', import.meta.url), 'utf8'))
const other = { ...deployed, project_id: 'other' }
const options = { repository: 'acme/shop' }
const USUAL = 'deployments/customer-support-bot/production.json'

function outputOf(payload: unknown): PullRequestOutput {
  const answer = answerDeployment(payload, options)
  if (!('output' in answer)) throw new Error('no output')
  return answer.output
}

function contentOf({ changes: [change] }: PullRequestOutput): string | null {
  return change !== undefined && 'content' in change ? String(change.content) : null
}

/** A repository in which the file has this content, or an open pull request that writes it. */
function readerOf(content: string | null, { open }: { open?: Partial<PullRequest> } = {}) {
  const pull = { fromFork: false, base: 'main', headSha: 'head', body: '', ...open } as PullRequest
  const forge = {
    defaultBranch: async () => 'main',
    readFile: async (_repository: string, _path: string, ref: string) =>
      ref === (open === undefined ? 'main' : 'head') ? content : null,
    pullRequests: async () => (open === undefined ? [] : [pull]),
  }
  return (path: string) => ({ forge, path })
}

async function pathFor(payload: unknown, reader: ReturnType<typeof readerOf>, more: { path?: string } = {}) {
  const answer = await answerWithOwnFile(payload, { ...options, ...more }, reader)
  return 'output' in answer ? answer.output.changes[0]?.path : null
}

const theirs = contentOf(outputOf(deployed))

test('a file of another project is left alone, and this one gets a folder of its own', async () => {
  expect(await pathFor(deployed, readerOf(theirs))).toBe(USUAL)
  expect(await pathFor(other, readerOf(theirs))).toBe('deployments/other/customer-support-bot/production.json')
})

test('a path that was set is kept to, so the file of another project is the failure of the job', async () => {
  const path = 'prompts/{app}.json'
  await expect(pathFor(other, readerOf(theirs), { path })).rejects.toThrow(
    'is of the project project_abc, and this deployment of other: give each its own file, with {project}',
  )
  expect(await pathFor(other, readerOf(theirs), { path: '{project}/{app}.json' }).catch(String)).toContain('other')
})

test('an open pull request of another project has its file too, unless it is from a fork or of the same project', async () => {
  const { series } = outputOf(deployed)
  const body = markerText({ keys: ['deployment=1'], series })
  expect(await pathFor(other, readerOf(theirs, { open: { body } }))).toContain('deployments/other/')
  expect(await pathFor(other, readerOf(theirs, { open: { body, fromFork: true } }))).toBe(USUAL)
  expect(await pathFor(other, readerOf(theirs, { open: { body, base: 'release' } }))).toBe(USUAL)
  expect(await pathFor(deployed, readerOf(theirs, { open: { body } }))).toBe(USUAL)
})

test.each([[null], ['not JSON'], ['{}'], ['{"project_id":null}']])(
  'a file that is %j belongs to nobody',
  async (content) => expect(await pathFor(other, readerOf(content))).toBe(USUAL),
)

test('without a forge to ask, and without a project, the usual file is meant', async () => {
  expect(await pathFor({ ...deployed, project_id: null }, readerOf(theirs))).toBe(USUAL)
  const answer = await answerWithOwnFile(other, options, null)
  expect(answer).toMatchObject({ output: { changes: [{ path: USUAL }] } })
})

test('names that have what ends a part of a series are still two projects', () => {
  const named = (project_id: string, app_name: string) =>
    outputOf({ ...deployed, project_id, data: { ...deployed.data, app_name } }).series
  expect(named('a:b', 'c')).not.toBe(named('a', 'b:c'))
  expect(named('a%3Ab', 'c')).not.toBe(named('a:b', 'c'))
})
