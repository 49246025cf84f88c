// The agent that works on an issue, or on feedback, and answers with a draft pull request.
import { z } from 'zod'
import type { Output } from '../../publisher/output.ts'
import type { Agent, AgentContext, AgentResult } from '../agent.ts'
import { defineAgent } from '../agent.ts'
import { locate, programProblem } from '../command/program.ts'
import type { Isolation } from '../isolation/isolation.ts'
import { isolationOnce } from '../isolation/isolation-once.ts'
import type { Assignment, Refused } from './assignment.ts'
import { labelOf, readAssignment } from './assignment.ts'
import type { IssueToPrOptions, TaskInput } from './options.ts'
import { requireOptions, taskInput } from './options.ts'
import { answerOf, beginning, closedMeanwhile, refusalOutputs } from './outputs.ts'
import { usedText } from './report.ts'
import { readGuides, taskWords } from './words.ts'
import type { WorkParts } from './work.ts'
import { budgetOf, unlessUsed, work } from './work.ts'

const MAX_STEPS = 8

const planSchema = z.object({
  steps: z
    .array(z.string().min(1).max(200))
    .min(1)
    .max(MAX_STEPS)
    .describe('What you will do, in order, one line each'),
})

const PLAN =
  'You plan work on a repository that somebody else does after you, with tools. Say briefly what has to be done, in the order of doing it.'

/** The steps where no model makes a plan. */
const STEPS = ['Change the files', 'Run the tests', 'Open a draft pull request']

/**
 * Works on issues with the label `agent-task`, on `/task`, on tasks by hand, and on feedback to its
 * own pull requests: by a model with tools, or by a program (`engine`).
 * @throws AppError `config_invalid` naming the option at fault.
 */
export function issueToPr(options: IssueToPrOptions = {}): Agent {
  return issueToPrIn(options, process.cwd())
}

function issueToPrIn(given: IssueToPrOptions, folder: string): Agent {
  requireOptions(given)
  const options = given.engine === undefined ? given : { ...given, engine: locate(given.engine, folder) }
  const { engine, model, repository, env = [] } = options
  const isolate = isolationOnce(options)
  const agent = defineAgent({
    name: 'issue-to-pr',
    description: 'Works on an issue and opens a draft pull request for it.',
    input: taskInput,
    jobTypes: ['custom_task'],
    ...(model && { model }),
    run: async (ctx) => run(ctx, options, await isolate()),
  })
  return {
    ...agent,
    isolate,
    problem: () => (engine === undefined ? null : programProblem(engine)),
    inFolder: (other) => issueToPrIn(given, other),
    inRepository: (own) => issueToPrIn({ ...(own.repository && { repository: own.repository }), ...given }, folder),
    // Its programs are isolated, and its own code is part of the service.
    runsIn: 'service',
    env: [...env, ...(engine?.env ?? [])],
    repositories: repository === undefined ? [] : [repository],
    settings: given,
  }
}

async function run(
  ctx: AgentContext<TaskInput>,
  options: IssueToPrOptions,
  isolation: Isolation,
): Promise<AgentResult> {
  const assignment = await ctx.step('assignment', () => readAssignment(ctx, options))
  if ('refused' in assignment) return refusal(ctx, assignment, options)
  const about = { jobId: ctx.job.id, label: labelOf(options) }
  await ctx.publish('begun', ...beginning(assignment, { ...about, steps: [] }))
  const guides = await ctx.step('guides', async () => (ctx.forge === null ? [] : readGuides(ctx.forge, assignment)))
  const parts = { ctx, options, isolation, assignment, guides }
  const steps = await planOf(parts)
  await ctx.publish('plan', ...beginning(assignment, { ...about, steps }))
  const done = await work({ ...parts, steps })
  const used = usedText(await ctx.model.used(), ctx.input.max, options.engine !== undefined)
  const reason = await ctx.step('still-open', () => closedReason(ctx, assignment))
  const written: Output[] =
    reason === null
      ? answerOf(assignment, done, { ...about, steps, used })
      : closedMeanwhile(assignment, { ...about, used, reason })
  const { repository, branch, pull } = assignment
  const { outcome, test } = done
  const hasPull = written.some(({ kind }) => kind === 'pull_request')
  return {
    outputs: written,
    result: {
      outcome: reason === null ? outcome : 'closed',
      repository,
      ...(hasPull && (pull === null ? { branch } : { pullRequest: pull.number })),
      ...(done.reason && { reason: done.reason }),
      test: test === null ? null : { command: test.command, exitCode: test.exitCode },
    },
  }
}

function refusal({ log, event }: AgentContext<TaskInput>, refused: Refused, options: IssueToPrOptions): AgentResult {
  log(refused.refused)
  const { repository } = event?.facts ?? {}
  const outputs = repository === undefined ? [] : refusalOutputs(repository, refused, labelOf(options))
  return { outputs, result: { skipped: refused.refused } }
}

async function planOf({ ctx, options, assignment, guides }: Omit<WorkParts, 'steps'>): Promise<string[]> {
  if (options.engine !== undefined || assignment.feedback !== null) return STEPS
  const { instructions } = options
  const budget = budgetOf(ctx.input)
  const asked = ctx.model.object({
    name: 'plan-of-the-model',
    system: instructions === undefined ? PLAN : `${instructions}\n\n${PLAN}`,
    // Its delimiters are new each time, so that it is made once.
    prompt: await ctx.step('question', () => taskWords(assignment, { guides })),
    schema: planSchema,
    ...(budget && { budget }),
  })
  return (await unlessUsed(() => asked, { steps: STEPS })).steps
}

/** Why there is nobody any more for whom it was done. */
async function closedReason(
  { forge }: AgentContext<TaskInput>,
  { repository, target, pull }: Assignment,
): Promise<string | null> {
  if (forge === null) return null
  if (pull !== null && (await forge.pullRequest(repository, pull.number)).state !== 'open') {
    return 'the pull request was closed or merged meanwhile'
  }
  if (target === null || pull !== null) return null
  if ('pullRequest' in target) {
    const { state } = await forge.pullRequest(repository, target.pullRequest)
    return state === 'open' ? null : 'the pull request was closed or merged meanwhile'
  }
  const issue = await forge.issue(repository, target.issue)
  return issue?.state === 'open' ? null : 'the issue was closed meanwhile'
}
