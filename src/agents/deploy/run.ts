// One deployment from what is asked for to what came of it. Each part is remembered, so that an
// attempt which was killed is followed by one that goes on where it ended.
import type { ReadForge } from '../../forges/forge.ts'
import { GiveUp } from '../../lib/error.ts'
import { isRepositoryIn } from '../../lib/repository-globs.ts'
import type { AgentContext, AgentResult } from '../agent.ts'
import type { AnswerTarget } from '../answer-target.ts'
import { answerTarget } from '../answer-target.ts'
import type { Isolation } from '../isolation/isolation.ts'
import { refuse, waitUntilAllowed } from './allowed.ts'
import type { Past } from './history.ts'
import { deploymentBefore, liveDeployment, ROLLED_BACK } from './history.ts'
import type { DeployInput, DeployOptions, EnvironmentOptions } from './options.ts'
import { programsOf } from './options.ts'
import type { Asked, Version } from './ref.ts'
import { resolveVersion } from './ref.ts'
import { Refused } from './refused.ts'
import { failAndGoBack } from './roll-back.ts'
import { scriptHash } from './script.ts'
import type { About, Sentence, Speaker } from './text.ts'
import { comment, inactive, lasted, named, plain, speakerOf } from './text.ts'
import { tryProgram } from './trial.ts'

/** What a deployment works with. */
export type Deploying = {
  context: AgentContext<DeployInput>
  forge: ReadForge
  options: DeployOptions
  environment: EnvironmentOptions
  isolation: Isolation
  about: About
  actor: string | null
  /** Where it was asked for in words, which is answered there. */
  at: AnswerTarget | null
  speak: Speaker
  logUrl: string | undefined
  /** Looks up again which commit is asked for. */
  again(): Promise<Version>
}

// Of a deployment's pull request, which anybody may have opened on a branch of that name.
const MERGED = 'environment.merged'

/**
 * Deploys what the job's event and input ask for. What is refused is said where it was asked for.
 * @throws GiveUp when it fails, after that has been said on the forge.
 */
export async function runDeployment(
  context: AgentContext<DeployInput>,
  parts: { options: DeployOptions; isolation: Isolation },
): Promise<AgentResult> {
  const { event, input } = context
  const at = event === null ? null : answerTarget(event.type, event.facts)
  let about: About | null = null
  try {
    const deploying = await prepare(context, at, parts)
    const { speak } = deploying
    about = deploying.about
    const [queued] = await context.publish('queued', [speak('queued', 'Waits for its turn')], {
      otherwise: [speak('inactive', 'Not deployed')],
    })
    if (queued === null) return { result: { staged: true, message: `Would ${input.kind} ${plain(nameOf(about))}` } }
    // Once it has begun, it is not asked about again.
    const { scripts } = await context.step('allowed', () => waitUntilAllowed(deploying))
    return await deployNow(deploying, scripts)
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    const sentence: Sentence = (as) =>
      about === null
        ? `Not deployed: ${as(error.message)}`
        : `${named(about, as)} was not deployed to ${about.environment}: ${as(error.message)}`
    return { outputs: comment(at, 'outcome', sentence), result: { message: plain(sentence), refused: true } }
  }
}

function nameOf(about: About): Sentence {
  return (as) => `${named(about, as)} of ${as(about.repository)} to ${about.environment}`
}

async function prepare(
  context: AgentContext<DeployInput>,
  at: AnswerTarget | null,
  { options, isolation }: { options: DeployOptions; isolation: Isolation },
): Promise<Deploying> {
  const { event, forge, input } = context
  if (forge === null) throw new GiveUp('No forge is set up to say on how a deployment goes: set GITHUB_TOKEN.')
  const { author = null, sender } = event?.facts ?? {}
  const { repository, name } = await context.step('where', async () => {
    const wanted = wantedOf(context, options)
    if (event?.type !== MERGED || (await forge.isOwn(wanted.repository, author))) return wanted
    throw new Refused('the pull request is not one that this program has opened')
  })
  const environment = environmentFor(repository, name, options)
  // What was said of it before is to be settled.
  if (typeof environment === 'string') throw new GiveUp(`The configuration was changed meanwhile: ${environment}.`)
  const where = { forge, repository, environment: name }
  const again = () =>
    input.kind === 'rollback'
      ? versionBefore(where)
      : resolveVersion({ ...where, allowed: environment.refs }, askedOf(context))
  const version = await context.step('version', again)
  const about: About = { ...version, repository, environment: name, kind: input.kind }
  const { logUrl = context.job.url, production, requiredContexts } = environment
  const said = { logUrl: logUrl?.replaceAll('{job}', context.job.id), production, requiredContexts }
  const speak = speakerOf(about, input.kind, said)
  const actor = sender ?? event?.actor ?? null
  return { context, forge, options, environment, isolation, about, actor, at, speak, logUrl: said.logUrl, again }
}

async function deployNow(deploying: Deploying, scripts: string | null): Promise<AgentResult> {
  const { context, environment, forge, about, at, speak, actor } = deploying
  const { repository, environment: name } = about
  const begunAt = await context.step('begun at', () => context.now().getTime())
  const live = await context.step('live', () => liveDeployment({ forge, repository, environment: name }))
  await context.publish('in progress', [speak('in_progress', 'Is being deployed')], {
    otherwise: [speak('error', 'Ended half-way')],
  })
  const isSame = () => scripts === null || scriptHash(programsOf(environment)).then((now) => now === scripts)
  if (!(await context.step('unchanged', isSame))) {
    await refuse(deploying, 'its program was changed after the approval: ask again')
  }
  const argv = about.kind === 'rollback' ? environment.rollback || environment.run : environment.run
  const trial = await tryProgram(deploying, 'deploy', argv, { about, previous: live })
  if (trial.problem !== null) return failAndGoBack(deploying, { live, problem: trial.problem })
  const { url = environment.url, version = about.version } = trial
  const took = await context.step('took', () => context.now().getTime() - begunAt)
  const what = { ...about, version }
  const [did, before] = about.kind === 'rollback' ? ['Rolled back to', ROLLED_BACK] : ['Deployed', 'Replaced']
  const sentence: Sentence = (as) => `${did} ${nameOf(what)(as)} in ${lasted(took)}`
  return {
    outputs: [
      // First, because GitHub itself would add one to what is not production.
      ...(live === null ? [] : [inactive(repository, live.id, `${before} by ${plain((as) => named(what, as))}`)]),
      speak('success', `Deployed in ${lasted(took)}`, { url }),
      ...comment(at, 'outcome', sentence, url),
    ],
    result: {
      message: plain(sentence),
      kind: about.kind,
      repository,
      environment: name,
      version,
      sha: about.sha,
      url,
      actor,
    },
  }
}

/** Where it is asked to go: one of the operator's environments, for a repository of that. */
function wantedOf({ event, input }: AgentContext<DeployInput>, options: DeployOptions) {
  const names = Object.keys(options.environments)
  const name = input.environment ?? (names.length === 1 ? names[0] : undefined)
  const repository = event?.facts.repository ?? input.repository ?? options.repository
  if (repository === undefined)
    throw new Refused('which repository? Name it as repository in the payload, or in the options of deploy()')
  const environment = environmentFor(repository, name, options)
  if (name === undefined || typeof environment === 'string') throw new Refused(String(environment))
  return { repository, name }
}

/** The environment of that name, or why nothing of the repository is deployed there. */
function environmentFor(
  repository: string,
  name: string | undefined,
  { environments }: DeployOptions,
): EnvironmentOptions | string {
  const environment = name !== undefined && Object.hasOwn(environments, name) ? environments[name] : undefined
  if (environment === undefined)
    return `there is no such environment; there are: ${Object.keys(environments).join(', ')}`
  const { repositories } = environment
  const isFor = repositories === undefined || isRepositoryIn(repositories, repository)
  return isFor ? environment : `${name} is for ${repositories.join(', ')} only`
}

/** The commit that the input names, else the one that the event is about. */
function askedOf({ event, input }: AgentContext<DeployInput>): Asked {
  const { tag, sha, branch, command } = event?.facts ?? {}
  if (input.ref !== undefined) return { ref: input.ref }
  if (tag !== undefined) return { tag }
  // The branch of a comment on a pull request is what that is for, and not what it has.
  return sha === undefined ? null : { sha, label: command === undefined ? branch : undefined }
}

async function versionBefore(where: { forge: ReadForge; repository: string; environment: string }): Promise<Past> {
  const live = await liveDeployment(where)
  const before = await deploymentBefore(where, live)
  if (before === null)
    throw new Refused(`nothing was deployed to ${where.environment} before that could be gone back to`)
  return before
}
