// Whether a deployed configuration may be merged: a check of the pull request's commit. What is
// checked is what was deployed; what is said about it has no secrets.
import { deploymentEvent } from '../../descriptions/deployment-event.ts'
import type { ReadForge } from '../../forges/forge.ts'
import { errorText } from '../../lib/error.ts'
import { isObject } from '../../lib/json.ts'
import type { CheckOutput } from '../../publisher/check.ts'
import type { PullRequestOutput } from '../../publisher/pull-request-output.ts'
import { codeSpan, inline, plainLine } from '../../untrusted/inert.ts'
import { redactor } from '../../untrusted/redact.ts'
import type { ConfigProblem } from './schema.ts'
import { problemsBySchema } from './schema.ts'

const CHECK = 'Deployed configuration'
const MAX_SHOWN = 50
const MAX_TITLE_CHARS = 200

/** Where a schema is: itself, or its path in the repository. */
export type SchemaValidation = { schema: string | Record<string, unknown> }

type Reader = Pick<ReadForge, 'defaultBranch' | 'readFile'>

/** What is wrong with the configuration of a deployment, or what a command says of it. */
export type Validate = (config: unknown) => Promise<ConfigProblem[]>

/**
 * What is wrong with the configuration of a deployment, without its secrets; one that is not in the
 * event cannot be called valid.
 */
export async function problemsOf(payload: unknown, validate: Validate): Promise<ConfigProblem[]> {
  const event = deploymentEvent.parse(payload)
  const { config } = event.data
  const problems =
    config === undefined || config === null
      ? [{ at: '$', text: 'is not in the event, so it could not be checked' }]
      : await validate(config)
  return redactor([event]).value(problems) as ConfigProblem[]
}

/** Checks by a schema; one in the repository is that of the base branch, which was reviewed. */
export function bySchema(
  { schema }: SchemaValidation,
  { forge, repository, base }: { forge: Reader | null; repository: string; base: string | undefined },
): Validate {
  return async (config) => {
    if (typeof schema !== 'string') return problemsBySchema(schema, config)
    const branch = base ?? (await forge?.defaultBranch(repository)) ?? ''
    const text = (await forge?.readFile(repository, schema, branch)) ?? null
    if (text === null) return [{ at: '$', text: `cannot be checked: there is no ${schema} on ${branch}` }]
    try {
      return problemsBySchema(schemaOf(text), config)
    } catch (error) {
      return [{ at: '$', text: `cannot be checked by ${schema}: ${errorText(error)}` }]
    }
  }
}

function schemaOf(text: string): object | boolean {
  const schema: unknown = JSON.parse(text)
  if (typeof schema === 'boolean' || isObject(schema)) return schema
  throw new Error('it is no JSON Schema, which is an object')
}

/** The pull request, which people have to merge where something is wrong. */
export function withoutAutoMerge(output: PullRequestOutput, problems: readonly ConfigProblem[]): PullRequestOutput {
  const { autoMerge: _, ...rest } = output
  return problems.length === 0 ? output : rest
}

/** The check that says so, of a commit of the repository. */
export function validationCheck(
  problems: readonly ConfigProblem[],
  { repository, commit }: Pick<CheckOutput, 'repository' | 'commit'>,
): CheckOutput {
  const check = { kind: 'check', repository, commit, check: CHECK, status: 'completed', key: 'validation' } as const
  const [first] = problems
  if (first === undefined) {
    const summary = 'The deployed configuration keeps to what was set for it.'
    return { ...check, conclusion: 'success', title: 'The configuration is valid', summary }
  }
  const lines = problems.slice(0, MAX_SHOWN).map(({ at, text }) => `- ${codeSpan(at)} ${inline(text)}`)
  const more = problems.length - lines.length
  return {
    ...check,
    conclusion: 'failure',
    title: plainLine(
      problems.length === 1 ? `${first.at} ${first.text}` : `${problems.length} problems`,
      MAX_TITLE_CHARS,
    ),
    summary: [...lines, ...(more > 0 ? ['', `*and ${more} more*`] : [])].join('\n'),
  }
}
