// What a rule, or a handler, may set about deployment pull requests.
import { z } from 'zod'
import { BODY_NAMES, LINE_NAMES, namesIn, PATH_NAMES } from '../../descriptions/template.ts'
import { DEPLOYMENT_BRANCH } from '../../lib/deployment-key.ts'
import { repositoryName } from '../../lib/repository.ts'
import { schemaProblem } from './schema.ts'

const MAX_TEMPLATE_CHARS = 20_000

/** A template that names nothing but these. */
function template(known: readonly string[]) {
  return z
    .string()
    .min(1)
    .max(MAX_TEMPLATE_CHARS)
    .superRefine((text, context) => {
      for (const name of namesIn(text).filter((each) => !known.includes(each))) {
        context.addIssue({ code: 'custom', message: `names the unknown {${name}}; known: ${known.join(', ')}` })
      }
    })
}

const branch = template(LINE_NAMES).refine(
  (text) => namesIn(text).includes('deployment_id'),
  'must have {deployment_id}, because each deployment has a branch of its own',
)

const schema = z.record(z.string(), z.json()).superRefine((given, context) => {
  const problem = schemaProblem(given)
  if (problem !== null) context.addIssue({ code: 'custom', message: problem })
})

const people = z.array(z.string().min(1)).optional()

const fields = {
  repository: repositoryName.optional().describe('Where pull requests go, `owner/name`.'),
  repositories: z
    .record(z.string(), repositoryName)
    .optional()
    .describe('The repository of each app: `app`, `project/app` or `project/*`; others go to `repository`.'),
  base: z.string().min(1).optional().describe("Base branch; the repository's default branch if absent."),
  path: template(PATH_NAMES).optional().describe('The file, a template.'),
  branch: branch.optional().describe('The branch, a template with {deployment_id}.'),
  title: template(LINE_NAMES).optional().describe('The title, a template.'),
  body: template(BODY_NAMES).optional().describe('The description, a template in Markdown.'),
  labels: z.array(template(LINE_NAMES)).optional().describe('Labels, which are templates.'),
  reviewers: people.describe('Accounts that are asked to review.'),
  teamReviewers: people.describe('Teams that are asked to review, by slug.'),
  assignees: people.describe('Accounts that it is assigned to.'),
  draft: z.boolean().optional().describe('Opened as a draft.'),
  autoMerge: z
    .enum(['merge', 'squash', 'rebase'])
    .optional()
    .describe('Merged by the forge as soon as its rules allow; not where the configuration is not valid.'),
  onOpenPullRequest: z
    .enum(['update', 'separate'])
    .optional()
    .describe('When one is open for the same app and environment: put this deployment on it, or take its place.'),
  environments: z.array(z.string()).optional().describe('Only these environments; all if absent.'),
  validate: z
    .strictObject({ schema: z.union([z.string().min(1), schema]) })
    .optional()
    .describe('A JSON Schema, or the path of one in the repository, that a configuration must keep to.'),
}

/** The agent's input schema: every option is optional, a misspelt one is an error. */
export const deploymentPrInput = z.strictObject(fields)

/** Options as written in the configuration. */
export type DeploymentPrOptions = z.infer<typeof deploymentPrInput>

/** What stands where an option is absent. */
export const DEFAULT_OPTIONS = {
  path: 'deployments/{app}/{environment}.json',
  branch: DEPLOYMENT_BRANCH,
  title: '🤖 Deploy {app} to {environment}',
  labels: ['agenta-deployment', '{environment}'],
  onOpenPullRequest: 'update',
} as const satisfies DeploymentPrOptions

/** The repositories that the options name. */
export function repositoriesOf({ repository, repositories = {} }: DeploymentPrOptions): string[] {
  return [...(repository ? [repository] : []), ...Object.values(repositories)]
}

/**
 * The repository of an app of a project: of the entries of `repositories` the one that names both,
 * that of the project, that of the app; else the common one. Null when there is none. In a key a
 * `/` or `*` that belongs to a name is written `%2F` and `%2A`.
 */
export function repositoryOf(
  { app, project }: { app: string; project: string | null },
  { repository, repositories = {} }: DeploymentPrOptions,
): string | null {
  const [name, prefix] = [keyPart(app), project === null ? null : keyPart(project)]
  const keys = prefix === null ? [name] : [`${prefix}/${name}`, `${prefix}/*`, name]
  const key = keys.find((each) => Object.hasOwn(repositories, each))
  return (key === undefined ? repository : repositories[key]) ?? null
}

function keyPart(name: string): string {
  return name.replaceAll('/', '%2F').replaceAll('*', '%2A')
}
