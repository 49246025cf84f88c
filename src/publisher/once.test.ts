// Every kind of output is written once, whichever of its calls breaks and however often it is sent.
import type { RepositoryHandle } from '@signalbox/fake-github'
import { afterAll, expect, test } from 'vitest'
import type { How, KindsStage } from './fixtures/kinds-stage.ts'
import { breaking, lines, openKindsStage } from './fixtures/kinds-stage.ts'
import type { Output } from './output.ts'

const stage = await openKindsStage()
afterAll(() => stage.close())

type At = { owner: string; repo: string; issue_number: number; pull_number: number }
type Kind = {
  name: string
  output(repo: RepositoryHandle, world: World): Output
  /** What the forge shows of it. */
  look(owner: KindsStage['owner'], at: At, world: World): Promise<unknown>
}
type World = { base: string; head: string }

// Number 1 is a pull request.
const target = { pullRequest: 1 }

const KINDS: Kind[] = [
  {
    name: 'a comment',
    output: (repo) => ({ kind: 'comment', repository: repo.fullName, target, body: 'Hi', key: 'k' }),
    look: async (owner, at) => (await owner.issues.listComments(at)).data.map(({ body }) => body),
  },
  {
    name: 'a sticky comment',
    output: (repo) => ({ kind: 'comment', repository: repo.fullName, target, body: 'Hi', key: 'k', sticky: true }),
    look: async (owner, at) => (await owner.issues.listComments(at)).data.map(({ body }) => body),
  },
  {
    name: 'labels',
    output: (repo) => ({ kind: 'labels', repository: repo.fullName, target, labels: ['new', 'b'], remove: ['old'] }),
    look: async (owner, at) => (await owner.issues.listLabelsOnIssue(at)).data.map(({ name }) => name),
  },
  {
    name: 'a reaction',
    output: (repo) => ({ kind: 'reaction', repository: repo.fullName, target, reaction: 'eyes' }),
    look: async (owner, at) => (await owner.reactions.listForIssue(at)).data.map(({ content }) => content),
  },
  {
    name: 'a review',
    output: (repo, { head }) => ({
      kind: 'review',
      repository: repo.fullName,
      pullRequest: 1,
      commit: head,
      body: 'Reviewed',
      comments: [
        { path: 'src/a.txt', line: 2, body: 'in' },
        { path: 'src/a.txt', line: 15, body: 'out' },
      ],
      key: 'k',
    }),
    look: async (owner, at) => [
      (await owner.pulls.listReviews(at)).data.map(({ state, body }) => [state, body]),
      (await owner.pulls.listReviewComments(at)).data.map(({ line, body }) => [line, body]),
    ],
  },
  {
    name: 'a check',
    output: (repo, { head }) => ({
      kind: 'check',
      repository: repo.fullName,
      commit: head,
      check: 'review',
      status: 'completed',
      conclusion: 'failure',
      title: '120 findings',
      summary: 'Many',
      annotations: Array.from({ length: 120 }, (_, at) => ({
        path: 'src/a.txt',
        startLine: at + 1,
        endLine: at + 1,
        level: 'warning' as const,
        message: `finding ${at}`,
      })),
      key: 'k',
    }),
    look: async (owner, { owner: login, repo }, { head }) => {
      const { data } = await owner.checks.listForRef({ owner: login, repo, ref: head, filter: 'all' })
      return Promise.all(
        data.check_runs.map(async ({ id, status, conclusion, output }) => {
          const of = { owner: login, repo, check_run_id: id, per_page: 100 }
          const pages = await Promise.all([1, 2].map((page) => owner.checks.listAnnotations({ ...of, page })))
          const messages = pages.flatMap((page) => page.data.map(({ message }) => message))
          return [status, conclusion, output.title, output.annotations_count, messages]
        }),
      )
    },
  },
  {
    name: 'a deployment',
    output: (repo) => ({
      kind: 'deployment_status',
      repository: repo.fullName,
      target: { ref: 'main', environment: 'staging' },
      state: 'success',
      logUrl: 'https://ci.example/1',
      key: 'k',
    }),
    look: async (owner, at) => {
      const { data } = await owner.repos.listDeployments(at)
      return Promise.all(
        data.map(async ({ id, environment }) => {
          const statuses = await owner.repos.listDeploymentStatuses({ ...at, deployment_id: id })
          return [environment, statuses.data.map(({ state, log_url }) => [state, log_url])]
        }),
      )
    },
  },
  {
    name: 'an issue',
    output: (repo) => ({
      kind: 'issue',
      repository: repo.fullName,
      title: 'Broken',
      body: 'Look',
      labels: ['bug'],
      assignees: ['jane'],
      key: 'k',
    }),
    look: async (owner, at) =>
      (await owner.issues.listForRepo({ ...at, state: 'all' })).data
        .filter((issue) => issue.pull_request === undefined)
        .map(({ title, body, state, labels, assignees }) => [title, body, state, labels.length, assignees?.length]),
  },
  {
    name: 'a commit',
    output: (repo, { base }) => ({
      kind: 'commit',
      repository: repo.fullName,
      branch: 'signalbox/work',
      message: 'Work',
      parent: base,
      changes: [
        { path: 'bin/run', content: '#!/bin/sh\n', executable: true },
        { path: 'logo.png', content: { base64: 'AAEC/w==' } },
        { path: 'README.md', deleted: true },
      ],
      key: 'k',
    }),
    look: async (owner, at) => {
      const { data } = await owner.repos.listCommits({ ...at, sha: 'signalbox/work' })
      const tree = await owner.git.getTree({ ...at, tree_sha: 'signalbox/work', recursive: 'true' })
      return [data.map(({ commit }) => commit.message), tree.data.tree.map(({ path, mode, sha }) => [path, mode, sha])]
    },
  },
  {
    name: 'a draft pull request',
    output: (repo) => ({
      kind: 'pull_request',
      repository: repo.fullName,
      branch: 'signalbox/pull',
      title: 'P',
      body: '',
      commitMessage: 'Work',
      changes: [{ path: 'b.txt', content: 'b' }],
      labels: ['bot'],
      draft: true,
      reviewers: ['jane'],
      teamReviewers: [],
      assignees: ['Jane'],
      key: 'k',
    }),
    look: async (owner, at) =>
      (await owner.pulls.list({ ...at, state: 'all' })).data.map((pull) => [
        pull.title,
        pull.draft,
        pull.labels.map(({ name }) => name),
        pull.requested_reviewers?.map(({ login }) => login),
        pull.assignees?.map(({ login }) => login),
      ]),
  },
]

async function openWorld() {
  const repo = await stage.makeRepository()
  const base = (await repo.head()) ?? ''
  const commit = { message: 'c', files: { 'src/a.txt': lines({ 2: 'changed' }) }, branch: 'feature' }
  const head = await repo.commit(commit)
  await repo.commit({ message: 'c', files: {}, branch: 'signalbox/work' })
  await repo.openPullRequest({ title: 'p', head: 'feature' })
  await repo.labelIssue(1, 'old')
  const at = { owner: 'acme', repo: repo.name, issue_number: 1, pull_number: 1 }
  return { repo, world: { base, head }, at }
}

const WAYS: How[] = ['dies after', 'loses the answer of']

test.each(KINDS.flatMap((kind) => WAYS.map((how) => [kind.name, how, kind] as const)))(
  '%s that %s any one call, and is sent again, is there once',
  { timeout: 120_000 },
  async (_, how, kind) => {
    const clean = await openWorld()
    const counting = breaking(0, how)
    await stage.send(kind.output(clean.repo, clean.world), { id: 'a' }, stage.forgeWith({ send: counting.send }))
    const expected = await kind.look(stage.owner, clean.at, clean.world)
    const again = await stage.send(kind.output(clean.repo, clean.world))
    expect(again?.created ?? false).toBe(false)
    expect(await kind.look(stage.owner, clean.at, clean.world)).toEqual(expected)
    expect(counting.seen.writes).toBeGreaterThan(0)

    for (let at = 1; at <= counting.seen.writes; at += 1) {
      const { repo, world, at: place } = await openWorld()
      const output = kind.output(repo, world)
      await expect(stage.send(output, { id: 'a' }, stage.forgeWith({ send: breaking(at, how).send }))).rejects.toThrow()
      await stage.send(output)
      expect(await kind.look(stage.owner, place, world)).toEqual(expected)
    }
  },
)
