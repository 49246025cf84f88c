// Checks of commits, which Apps make.
import { z } from 'zod'
import { emit, isHeard } from '../events.ts'
import { readCommit } from '../git-commits.ts'
import { GithubError, notFound, unprocessable } from '../github-error.ts'
import type { CheckRun, CheckSuite } from '../records.ts'
import type { ChangeCall, Reply, RepositoryCall } from '../route.ts'
import { change, json, numberParam, page, pageOf, read, readBody } from '../route.ts'
import { annotationShape, checkRunShape, checkSuiteShape } from '../shapes/checks.ts'
import type { App } from '../state.ts'
import { findCommit } from './commits.ts'

const REPO = '/repos/{owner}/{repo}'
const RUN = `${REPO}/check-runs/{check_run_id}`
const SUITE = `${REPO}/check-suites/{check_suite_id}`
const CHANGE = { need: 'checks:write' } as const

const CONCLUSIONS = ['action_required', 'cancelled', 'failure', 'neutral', 'success', 'skipped', 'stale', 'timed_out']
const time = z.iso.datetime({ offset: true }).transform(Date.parse)
const annotation = z.object({
  path: z.string(),
  start_line: z.number().int(),
  end_line: z.number().int(),
  start_column: z.number().int().nullable().default(null),
  end_column: z.number().int().nullable().default(null),
  annotation_level: z.enum(['notice', 'warning', 'failure']),
  title: z.string().nullable().default(null),
  message: z.string(),
  raw_details: z.string().nullable().default(null),
})
const updateBody = z.object({
  name: z.string().min(1).optional(),
  details_url: z.string().optional(),
  external_id: z.string().optional(),
  status: z.enum(['queued', 'in_progress', 'completed']).optional(),
  started_at: time.optional(),
  conclusion: z.enum(CONCLUSIONS).optional(),
  completed_at: time.optional(),
  output: z
    .object({
      title: z.string().optional(),
      summary: z.string(),
      text: z.string().optional(),
      annotations: z.array(annotation).max(50).default([]),
    })
    .optional(),
})
const createBody = updateBody.extend({ name: z.string().min(1), head_sha: z.string() })

/** https://docs.github.com/en/rest/checks */
export const checkRoutes = [
  read(`${REPO}/commits/{ref}/check-runs`, 'checks:read', async (call) => {
    const { sha } = await findCommit(call.repo.dir, call.params.ref ?? '')
    return pageRuns(call, (run) => run.suite.sha === sha)
  }),

  read(`${REPO}/commits/{ref}/check-suites`, 'checks:read', async (call) => {
    const { hub, repo, query } = call
    const { sha } = await findCommit(repo.dir, call.params.ref ?? '')
    const app = query.get('app_id')
    const suites = [...repo.checkSuites.values()]
      .filter((suite) => suite.sha === sha && (app === null || app === String(suite.app.id)))
      .filter(
        (suite) => !query.has('check_name') || runsOf(call, suite).some(({ name }) => name === query.get('check_name')),
      )
    return pageOf(
      call,
      suites,
      (suite) => checkSuiteShape(hub, repo, suite),
      (list) => ({ total_count: suites.length, check_suites: list }),
    )
  }),

  change('POST', `${REPO}/check-runs`, CHANGE, createRun),
  read(RUN, 'checks:read', (call) => json(show(call, findRun(call)))),
  change('PATCH', RUN, CHANGE, updateRun),

  read(`${RUN}/annotations`, 'checks:read', (call) => {
    const run = findRun(call)
    return page(call, run.annotations, (each) => annotationShape(call.hub, call.repo, run, each))
  }),

  read(SUITE, 'checks:read', async (call) => json(await checkSuiteShape(call.hub, call.repo, findSuite(call)))),

  read(`${SUITE}/check-runs`, 'checks:read', (call) => {
    const suite = findSuite(call)
    return pageRuns(call, (run) => run.suite === suite)
  }),
]

function show({ hub, repo }: RepositoryCall, run: CheckRun) {
  return checkRunShape(hub, repo, run)
}

function findRun(call: RepositoryCall): CheckRun {
  const run = call.repo.checkRuns.get(numberParam(call, 'check_run_id'))
  if (!run) throw notFound()
  return run
}

function findSuite(call: RepositoryCall): CheckSuite {
  const suite = call.repo.checkSuites.get(numberParam(call, 'check_suite_id'))
  if (!suite) throw notFound()
  return suite
}

function runsOf({ repo }: RepositoryCall, suite: CheckSuite): CheckRun[] {
  return [...repo.checkRuns.values()].filter((run) => run.suite === suite)
}

/** Newest first; of each name the latest alone, unless all are asked for. */
function pageRuns(call: RepositoryCall, matches: (run: CheckRun) => boolean): Promise<Reply> {
  const { repo, query } = call
  const wants = (name: string, value: string) => !query.has(name) || query.get(name) === value
  const all = [...repo.checkRuns.values()].reverse().filter(matches)
  const isLatest = (run: CheckRun) => all.find(({ suite, name }) => suite === run.suite && name === run.name) === run
  const runs = all
    .filter((run) => query.get('filter') === 'all' || isLatest(run))
    .filter((run) => wants('check_name', run.name) && wants('status', run.status))
    .filter((run) => wants('app_id', String(run.suite.app.id)))
  return pageOf(
    call,
    runs,
    (run) => show(call, run),
    (list) => ({ total_count: runs.length, check_runs: list }),
  )
}

async function createRun(call: ChangeCall) {
  const { hub, repo } = call
  const app = requireApp(call)
  const body = readBody(call, 'CheckRun', createBody)
  if (!(await readCommit(repo.dir, body.head_sha))) throw unprocessable(`No commit found for SHA: ${body.head_sha}`)
  const run: CheckRun = {
    id: hub.state.nextId(),
    suite: ensureSuite(call, app, body.head_sha),
    name: body.name,
    detailsUrl: null,
    externalId: '',
    status: 'queued',
    conclusion: null,
    startedAtMs: hub.clock(),
    completedAtMs: null,
    output: { title: null, summary: null, text: null },
    annotations: [],
  }
  apply(call, run, body)
  repo.checkRuns.set(run.id, run)
  await emitRun(call, run, 'created')
  if (run.status === 'completed') await emitRun(call, run, 'completed')
  const shape = show(call, run)
  return json(shape, 201, { location: shape.url })
}

async function updateRun(call: ChangeCall) {
  const app = requireApp(call)
  const run = findRun(call)
  if (run.suite.app !== app)
    throw new GithubError(403, `Invalid app_id \`${app.id}\` - check run can only be modified by its App.`)
  const before = run.status
  apply(call, run, readBody(call, 'CheckRun', updateBody))
  if (run.status === 'completed' && before !== 'completed') await emitRun(call, run, 'completed')
  return json(show(call, run))
}

function requireApp({ app }: ChangeCall): App {
  if (!app) throw new GithubError(403, 'You must authenticate via a GitHub App.')
  return app
}

/** A conclusion completes the check; a completed one needs a conclusion. */
function apply({ hub }: ChangeCall, run: CheckRun, body: z.infer<typeof updateBody>): void {
  const status = body.conclusion === undefined ? (body.status ?? run.status) : 'completed'
  const conclusion = status === 'completed' ? (body.conclusion ?? run.conclusion) : null
  if (status === 'completed' && conclusion === null) throw unprocessable('Missing conclusion of a completed check run')
  Object.assign(run, {
    name: body.name ?? run.name,
    detailsUrl: body.details_url ?? run.detailsUrl,
    externalId: body.external_id ?? run.externalId,
    status,
    conclusion,
    startedAtMs: body.started_at ?? run.startedAtMs,
    completedAtMs: status === 'completed' ? (body.completed_at ?? run.completedAtMs ?? hub.clock()) : null,
  })
  if (body.output === undefined) return
  const { title = null, summary, text = null, annotations } = body.output
  run.output = { title, summary, text }
  run.annotations.push(...annotations)
}

function ensureSuite({ hub, repo }: ChangeCall, app: App, sha: string): CheckSuite {
  const known = [...repo.checkSuites.values()].find((suite) => suite.app === app && suite.sha === sha)
  const suite = known ?? { id: hub.state.nextId(), app, sha, createdAtMs: hub.clock() }
  repo.checkSuites.set(suite.id, suite)
  return suite
}

async function emitRun(call: ChangeCall, run: CheckRun, action: string): Promise<void> {
  const { hub, repo } = call
  if (!isHeard(hub, repo, 'check_run')) return
  const suite = await checkSuiteShape(hub, repo, run.suite)
  emit(call, 'check_run', { action, check_run: { ...show(call, run), check_suite: suite } })
}
