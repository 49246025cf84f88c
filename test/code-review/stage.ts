// A service with the default rules, a strict GitHub with real git, and a scripted model, for tests
// of the review agent.
import type { AppHandle, FakeGithub, RepositoryHandle } from '@signalbox/fake-github'
import { openFakeGithub } from '@signalbox/fake-github'
import { openApiGuard } from '../../fake-github/openapi.ts'
import type { Agent } from '../../src/agents/agent.ts'
import { codeReview } from '../../src/agents/code-review/code-review.ts'
import type { CodeReviewOptions } from '../../src/agents/code-review/options.ts'
import { defaultRules } from '../../src/config/default-rules.ts'
import type { Rule } from '../../src/rules/rule.ts'
import type { AskedModel, FakeModel } from '../fake-model/fake-model.ts'
import { openFakeModel } from '../fake-model/fake-model.ts'
import type { TestSignalbox } from '../signalbox.ts'
import { openTestSignalbox, SECRET, until } from '../signalbox.ts'

/** A finding as a model says it. */
export type SaidFinding = {
  path: string
  line: number
  side?: 'LEFT' | 'RIGHT'
  startLine?: number
  severity?: string
  confidence?: number
  cost?: string
  category?: string
  title?: string
  body?: string
  suggestion?: string
}

/** An answer of the model with these findings. */
export function answerWith(...findings: SaidFinding[]): string {
  const whole = findings.map((finding) => ({
    side: 'RIGHT',
    severity: 'medium',
    confidence: 0.8,
    cost: 'low',
    category: 'logic',
    title: 'The sum is wrong.',
    body: 'It adds where it must subtract.',
    ...finding,
  }))
  return JSON.stringify({ findings: whole })
}

export type ReviewJob = {
  id: string
  rule: string
  type: string
  status: string
  error: string | null
  result: Record<string, unknown> | null
}

/** A review as GitHub shows it. */
export type ShownReview = { id: number; body: string; commit_id: string; user: { login: string } }
export type ShownComment = {
  id: number
  path: string
  line: number | null
  side: string
  body: string
  pull_request_review_id: number
}
export type ShownCheck = {
  name: string
  status: string
  conclusion: string | null
  output: { title: string; summary: string; annotations_count: number }
}

/** The stage. */
export type Stage = {
  github: FakeGithub
  app: AppHandle
  shop: RepositoryHandle
  model: FakeModel
  signalbox: TestSignalbox
  /** Opens a pull request of these changed files. */
  propose(
    files: Record<string, string | null>,
    title?: string,
  ): Promise<{ number: number; sha: string; branch: string }>
  /** Waits until no job is open, and returns all of reviews in the order of their events. */
  jobs(): Promise<ReviewJob[]>
  reviews(number: number): Promise<ShownReview[]>
  comments(number: number): Promise<ShownComment[]>
  checks(sha: string): Promise<ShownCheck[]>
  /** Resolves the thread of a comment as an account does. */
  resolveThread(login: string, comment: number): Promise<void>
  /** Whether the thread of a comment is resolved, and what was answered in it. */
  thread(number: number, comment: number): Promise<{ id: string; isResolved: boolean; answers: string[] }>
  /** Sends a request as an account. */
  as(login: string, method: string, path: string, body?: unknown): Promise<unknown>
  close(): Promise<void>
}

export type StageOptions = {
  /** Whether a model is set. Default: no. */
  hasModel?: boolean
  files?: Record<string, string>
  options?: CodeReviewOptions
  agents?: readonly Agent[]
  /** What of the rule for pull requests is different. */
  rule?: Partial<Rule>
}

/** Opens a stage. */
export async function openStage({
  hasModel = false,
  files,
  options,
  agents = options ? [codeReview(options)] : [],
  rule = {},
}: StageOptions = {}): Promise<Stage> {
  const guard = openApiGuard()
  const github = await openFakeGithub({ onExchange: guard.onExchange })
  const model = await openFakeModel()
  const collaborators = { jane: 'write', mallory: 'read' } as const
  const shop = await github.addRepository({
    owner: 'acme',
    name: 'shop',
    collaborators,
    files: files ?? { 'README.md': '# Shop\n', 'src/sum.ts': sum() },
  })
  const app = github.addApp({
    slug: 'signalbox',
    permissions: { contents: 'write', checks: 'write', pull_requests: 'write', issues: 'write', statuses: 'write' },
  })
  app.install('acme')
  // Without a pause, so that each push is one review.
  const rules = defaultRules.map(({ debounce, ...each }) =>
    each.name === 'review-pull-request' ? { ...each, ...rule } : each,
  )
  const signalbox = await openTestSignalbox({
    config: { rules, agents: [...agents] },
    env: {
      GITHUB_APP_ID: String(app.appId),
      GITHUB_APP_PRIVATE_KEY: app.privateKeyPem,
      GITHUB_API_URL: github.apiUrl,
      ...(hasModel ? { SIGNALBOX_MODEL: 'own-x', SIGNALBOX_MODEL_URL: `${model.url}/v1` } : {}),
    },
  })
  await shop.addWebhook({ url: `${signalbox.url}/webhook/github`, secret: SECRET })
  const as: Stage['as'] = async (login, method, path, body) => {
    const response = await fetch(`${github.apiUrl}/repos/acme/shop/${path}`, {
      method,
      headers: { authorization: `Bearer ${github.addToken({ login })}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return text === '' ? null : JSON.parse(text)
  }
  const graphql = async (login: string, query: string, variables: object) => {
    const response = await fetch(`${github.apiUrl.replace(/\/v3$/, '')}/graphql`, {
      method: 'POST',
      headers: { authorization: `Bearer ${github.addToken({ login })}`, 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    })
    const { data, errors } = (await response.json()) as { data: never; errors?: unknown }
    if (errors !== undefined) throw new Error(JSON.stringify(errors))
    return data
  }
  const thread: Stage['thread'] = async (number, comment) => {
    const { repository } = (await graphql('acme', THREADS, { number })) as ShownThreads
    const found = repository.pullRequest.reviewThreads.nodes.find(
      ({ comments }) => comments.nodes[0]?.databaseId === comment,
    )
    if (found === undefined) throw new Error(`no thread begins with the comment ${comment}`)
    const { id, isResolved, comments } = found
    return { id, isResolved, answers: comments.nodes.slice(1).map(({ body }) => body) }
  }
  let branches = 0
  return {
    github,
    app,
    shop,
    model,
    signalbox,
    async propose(changed, title = 'Change') {
      const branch = `topic-${++branches}`
      const sha = await shop.commit({ message: title, branch, files: changed, author: 'jane' })
      const { number } = await shop.openPullRequest({ title, head: branch }, 'jane')
      return { number, sha, branch }
    },
    async jobs() {
      await github.settled()
      const open = "select from signalbox.jobs where finished_at is null and status <> 'waiting' limit 1"
      await until('every job has ended', async () => (await signalbox.database.query(open)).rows.length === 0, 300_000)
      const { rows } = await signalbox.database.query<ReviewJob>(
        `select j.id, j.rule, j.type, j.status, j.error, coalesce(a.result, j.result) as result
         from signalbox.jobs j left join signalbox.job_attempts a on a.job_id = j.id and a.outcome = 'completed'
         where j.agent = 'code-review' order by j.event_at, j.event_id`,
      )
      return rows
    },
    async reviews(number) {
      const all = (await as('acme', 'GET', `pulls/${number}/reviews`)) as ShownReview[]
      // An answer in a thread is a review without a text.
      return all.filter(({ body }) => body !== '')
    },
    comments: (number) => as('acme', 'GET', `pulls/${number}/comments`) as Promise<ShownComment[]>,
    async checks(sha) {
      const { check_runs: runs } = (await as('acme', 'GET', `commits/${sha}/check-runs`)) as {
        check_runs: ShownCheck[]
      }
      return runs
    },
    async resolveThread(login, comment) {
      const { pull_request_url: url } = (await as('acme', 'GET', `pulls/comments/${comment}`)) as {
        pull_request_url: string
      }
      const { id } = await thread(Number(url.split('/').at(-1)), comment)
      await graphql(
        login,
        'mutation($id: ID!) { resolveReviewThread(input: { threadId: $id }) { thread { isResolved } } }',
        { id },
      )
    },
    thread,
    as,
    async close() {
      await github.settled()
      await signalbox.close()
      await github.close()
      model.close()
      if (guard.violations.length > 0) throw new Error(JSON.stringify(guard.violations))
    },
  }
}

const THREADS = `query($number: Int!) { repository(owner: "acme", name: "shop") { pullRequest(number: $number) {
  reviewThreads(first: 100) { nodes { id isResolved comments(first: 50) { nodes { databaseId body } } } } } } }`
type ShownThreads = {
  repository: {
    pullRequest: {
      reviewThreads: {
        nodes: { id: string; isResolved: boolean; comments: { nodes: { databaseId: number; body: string }[] } }[]
      }
    }
  }
}

/** How many tokens' worth of text the model was sent. */
export function charsAsked(requests: readonly AskedModel[]): number {
  return requests.reduce((sum, { system, messages }) => sum + system.length + messages.join('').length, 0)
}

/** A small file. */
export function sum(body = 'return a + b'): string {
  return `export function sum(a: number, b: number): number {\n  ${body}\n}\n`
}
