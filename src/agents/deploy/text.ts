// What is said of a deployment: sentences for people, and the outputs that carry them.
import type { DeploymentStatusOutput } from '../../publisher/deployment-status.ts'
import type { Output } from '../../publisher/output.ts'
import { inline, plainLine } from '../../untrusted/inert.ts'
import type { AnswerTarget } from '../answer-target.ts'
import { KEYS } from './history.ts'
import type { Version } from './ref.ts'
import { short } from './ref.ts'

/** What is deployed where. */
export type About = Version & { repository: string; environment: string; kind: 'deploy' | 'rollback' }

/** A sentence, made with the names of others as the place where it stands needs them. */
export type Sentence = (as: (name: string) => string) => string

/** A sentence where nothing is Markdown: in a message, an error, a status. */
export function plain(sentence: Sentence): string {
  return sentence((name) => plainLine(name, 200))
}

/** What is deployed, in a sentence. */
export function named({ version, sha }: Version, as: (name: string) => string): string {
  return version === short(sha) ? version : `${as(version)} (${short(sha)})`
}

/** How a job's outputs speak of one deployment. */
export type Speaker = (
  state: DeploymentStatusOutput['state'],
  description: string,
  more?: { url?: string | undefined },
) => DeploymentStatusOutput

/** Opens what is said of one deployment, in the same words about what it is each time. */
export function speakerOf(
  { repository, environment, sha, version }: About,
  key: keyof typeof KEYS,
  {
    logUrl,
    production,
    requiredContexts,
  }: {
    logUrl: string | undefined
    production: boolean | undefined
    requiredContexts?: readonly string[] | undefined
  },
): Speaker {
  const target = {
    ref: sha,
    environment,
    task: key,
    description: plainLine(version, 140),
    ...(production !== undefined && { production }),
    ...(requiredContexts !== undefined && { requiredContexts }),
  }
  return (state, description, { url } = {}) => ({
    kind: 'deployment_status',
    repository,
    target,
    state,
    description: plainLine(description, 140),
    ...(logUrl !== undefined && { logUrl }),
    ...(url !== undefined && { environmentUrl: url }),
    key: KEYS[key],
  })
}

/** Says that a deployment which was live is not any more. */
export function inactive(repository: string, deployment: number, description: string): Output {
  const said = plainLine(description, 140)
  return {
    kind: 'deployment_status',
    repository,
    target: { deployment },
    state: 'inactive',
    description: said,
    key: `inactive-${deployment}`,
  }
}

/** The comment where it was asked for; none where it was not asked for in words. */
export function comment(at: AnswerTarget | null, key: string, sentence: Sentence, url?: string): Output[] {
  if (at === null) return []
  const link = url === undefined ? '' : ` <${url}>`
  return [{ kind: 'comment', ...at, key, body: `${sentence(inline)}${link}` }]
}

/** A time that people read. */
export function lasted(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 120) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`
}
