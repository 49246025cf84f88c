// Runs an agent in a unit test: with an event, repositories in memory and a scripted model.
import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Agent } from './agents/agent.ts'
import type { Event } from './events/event.ts'
import type { Facts } from './events/facts.ts'
import type { PullRequest, ReadForge } from './forges/forge.ts'
import { AppError, GiveUp } from './lib/error.ts'
import type { Json } from './lib/json.ts'
import type { Permission } from './lib/permission.ts'
import { plainRepositoryName } from './lib/repository.ts'
import type { ModelAnswer, ModelRequest } from './models/request.ts'
import type { Rule } from './rules/rule.ts'
import type { AgentRun } from './run-agent.ts'
import type { CheckedOut, CheckoutOptions } from './workspaces/checkout.ts'
import type { Workspaces } from './workspaces/workspace.ts'

/** A repository in memory. Without `branches` the default branch, `main`, has the `files`. */
export type TestRepository = {
  defaultBranch?: string
  files?: Readonly<Record<string, string>>
  /** The files of each branch, by name. */
  branches?: Readonly<Record<string, Readonly<Record<string, string>>>>
  pullRequests?: readonly PullRequest[]
  /** What accounts may do; the others have `none`. */
  permissions?: Readonly<Record<string, Permission>>
  /** The members of teams, such as `acme/core`. */
  teams?: Readonly<Record<string, readonly string[]>>
}

// Nobody pushes to a pull request while a test runs.
const NOT_SINCE = new Date(0)

type Repositories = Readonly<Record<string, TestRepository>>

/** An answer of the scripted model: a text, a value as JSON, or all that an answer has. */
export type TestAnswer = string | { json: Json } | (Partial<ModelAnswer> & { text: string })

/** What an agent is run with; what is left out is empty. */
export type TestAgentOptions = {
  input?: unknown
  /** `type` and `facts` at least, as a rule would see them. */
  event?: Partial<Event>
  /** What the event says. */
  payload?: Json
  repositories?: Readonly<Record<string, TestRepository>>
  /** What the model answers, in order, or a function of what it is asked. */
  model?: readonly TestAnswer[] | ((request: ModelRequest) => TestAnswer)
  /** Steps that an attempt before has finished, by name. */
  steps?: Readonly<Record<string, unknown>>
  /** Steps of the job that this one supersedes, by name. */
  inherited?: Readonly<Record<string, unknown>>
  /** What comes of its waits, by name: the event of `waitFor`, or what an approval came to. */
  waits?: Readonly<Record<string, unknown>>
  /**
   * What the rule says about writing. Default: a rule that says nothing, which may write the usual
   * kinds to the event's own repository.
   */
  rule?: Pick<Rule, 'outputs' | 'repositories'>
  job?: { id?: string; type?: string; rule?: string; attempt?: number }
  now?: Date
  signal?: AbortSignal
}

/** What came of it. */
export type TestedAgent = AgentRun & {
  /** The lines of the job's log. */
  log: string[]
  /** What the model was asked, in order. */
  asked: ModelRequest[]
}

/**
 * Runs an agent once and returns what it would have written. Nothing is stored or sent.
 * @throws what the agent throws; GiveUp when its input or what it returned is not valid, or the
 * rule does not allow an output; Error when it asks the model more than `model` answers.
 */
export async function testAgent(agent: Agent, options: TestAgentOptions = {}): Promise<TestedAgent> {
  const { repositories, now = new Date() } = options
  const log: string[] = []
  const asked: ModelRequest[] = []
  const script = Array.isArray(options.model) ? [...options.model] : []
  const answer = async (request: ModelRequest): Promise<ModelAnswer> => {
    asked.push(request)
    const next = typeof options.model === 'function' ? options.model(request) : script.shift()
    if (next === undefined)
      throw new Error(`The test has no answer for the question "${request.name ?? asked.length}".`)
    return answerOf(next)
  }
  // Loaded here, because every agent's process loads this file with `signalbox`.
  const { runAgent } = await import('./run-agent.ts')
  const run = await runAgent(agent, {
    event: eventOf(options, now),
    input: options.input ?? {},
    forge: repositories === undefined ? null : forgeOf(repositories),
    answer,
    log: (line) => void log.push(line),
    signal: options.signal ?? new AbortController().signal,
    rule: { home: agent.repositories ?? [], ...options.rule },
    job: options.job,
    steps: options.steps,
    inherited: options.inherited,
    waits: options.waits,
    checkoutInto: (workspaces, { facts }) => checkoutOf(repositories ?? {}, workspaces, facts),
    now: () => now,
  })
  return { ...run, log, asked }
}

function answerOf(given: TestAnswer): ModelAnswer {
  const plain = { finish: 'stop' as const, model: 'test/model', inputTokens: 0, outputTokens: 0, usd: null, tookMs: 0 }
  if (typeof given === 'string') return { ...plain, text: given }
  return 'json' in given ? { ...plain, text: JSON.stringify(given.json) } : { ...plain, ...given }
}

function eventOf({ event, payload }: TestAgentOptions, now: Date): Event | null {
  if (event === undefined && payload === undefined) return null
  const facts = event?.facts ?? {}
  return {
    id: '00000000-0000-7000-8000-000000000001',
    source: 'test',
    deliveryId: 'test',
    type: 'test',
    status: 'routed',
    reason: null,
    subject: facts.repository ?? null,
    actor: facts.author ?? null,
    facts,
    body: payload === undefined ? null : Buffer.from(JSON.stringify(payload)),
    payload: null,
    contentType: 'application/json',
    headers: {},
    depth: 0,
    receivedAt: now,
    ...event,
  }
}

/** A forge for reading over repositories in memory. */
function forgeOf(repositories: Repositories): ReadForge {
  const find = (name: string) => repositoryIn(repositories, name)
  return {
    async defaultBranch(name) {
      return find(name).defaultBranch
    },
    async branchSha(name, branch) {
      const files = ownOf(find(name).branches, branch)
      return files === undefined ? null : shaOf(name, branch, files)
    },
    async readFile(name, path, ref) {
      return ownOf(filesAt(repositories, name, ref)?.files ?? {}, path) ?? null
    },
    async pullRequests(name, { head, state = 'open' }) {
      return find(name).pullRequests.filter(
        (pull) => (head === undefined || pull.head === head) && (state === 'all' || pull.state === 'open'),
      )
    },
    async pullRequestHead(name, number) {
      const pull = find(name).pullRequests.find((each) => each.number === number)
      return pull === undefined ? null : { sha: pull.headSha, fromFork: pull.fromFork, pushedAt: NOT_SINCE }
    },
    async permission(name, login) {
      return ownOf(find(name).permissions, login) ?? 'none'
    },
    async isTeamMember(name, team, login) {
      return ownOf(find(name).teams, team)?.includes(login) ?? false
    },
  }
}

/** Writes files of a repository in memory into a folder; there is no Git in it. */
function checkoutOf(repositories: Repositories, workspaces: Workspaces, facts: Facts) {
  return async ({ repository = facts.repository, ref }: CheckoutOptions = {}): Promise<CheckedOut> => {
    if (repository === undefined) throw new GiveUp('The event is about no repository; name one.')
    const isOwn = plainRepositoryName(repository) === plainRepositoryName(facts.repository ?? '')
    const { sha, branch } = isOwn ? facts : {}
    const own = [sha, branch ?? repositoryIn(repositories, repository).defaultBranch]
    const wanted = (ref === undefined ? own : [ref]).filter((each) => each !== undefined)
    const found = wanted.map((each) => filesAt(repositories, repository, each)).find((each) => each !== undefined)
    if (found === undefined) throw new GiveUp(`There is no ${wanted[0]} in ${repository}.`)
    const folder = await workspaces.make()
    for (const [path, content] of Object.entries(found.files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true })
      await writeFile(join(folder, path), content)
    }
    return { folder, sha: found.sha, objects: folder }
  }
}

function repositoryIn(repositories: Repositories, name: string) {
  const plain = plainRepositoryName(name)
  const found = Object.entries(repositories).find(([key]) => plainRepositoryName(key) === plain)?.[1]
  if (found === undefined) throw new AppError('forge_failed', `There is no repository ${name} in the test.`)
  const { defaultBranch = 'main', files = {}, branches = { [defaultBranch]: files } } = found
  const { pullRequests = [], permissions = {}, teams = {} } = found
  return { defaultBranch, branches, pullRequests, permissions, teams }
}

/** The files of a branch, by its name, its commit, or what a pull request names as its head. */
function filesAt(repositories: Repositories, name: string, ref: string) {
  const { branches, pullRequests } = repositoryIn(repositories, name)
  const head = pullRequests.find(({ headSha }) => headSha === ref)?.head
  const commits = Object.entries(branches).map(([branch, files]) => ({
    branch,
    files,
    sha: shaOf(name, branch, files),
  }))
  return commits.find(({ branch, sha }) => branch === ref || sha === ref || branch === head)
}

function shaOf(name: string, branch: string, files: object): string {
  return createHash('sha1')
    .update(JSON.stringify([plainRepositoryName(name), branch, files]))
    .digest('hex')
}

function ownOf<Value>(values: Readonly<Record<string, Value>>, key: string): Value | undefined {
  return Object.hasOwn(values, key) ? values[key] : undefined
}
