// What a rule, or a handler, may set about deployment pull requests.
import { z } from 'zod'
import { repositoryName } from '../../lib/repository.ts'

const fields = {
  repository: repositoryName.optional().describe('Where pull requests go, `owner/name`.'),
  repositories: z
    .record(z.string(), repositoryName)
    .optional()
    .describe('The repository of each app; others go to `repository`.'),
  base: z.string().min(1).optional().describe("Base branch; the repository's default branch if absent."),
  path: z.string().min(1).optional().describe('The file: a template of {app}, {environment} and {project}.'),
  title: z.string().min(1).optional().describe('The title: a template of {app}, {environment} and {variant}.'),
  labels: z.array(z.string().min(1)).optional().describe('Labels: templates of {app} and {environment}.'),
  onOpenPullRequest: z
    .enum(['update', 'separate'])
    .optional()
    .describe('When one is open for the same app and environment: put this deployment on it, or open another.'),
  environments: z.array(z.string()).optional().describe('Only these environments; all if absent.'),
}

/** The agent's input schema: every option is optional, a misspelt one is an error. */
export const deploymentPrInput = z.strictObject(fields)

/** Options as written in the configuration. */
export type DeploymentPrOptions = z.infer<typeof deploymentPrInput>

/** What stands where an option is absent. */
export const DEFAULT_OPTIONS = {
  path: 'deployments/{app}/{environment}.json',
  title: '🤖 Deploy {app} to {environment}',
  labels: ['agenta-deployment', '{environment}'],
  onOpenPullRequest: 'update',
} as const satisfies DeploymentPrOptions

/** The repositories that the options name. */
export function repositoriesOf({ repository, repositories = {} }: DeploymentPrOptions): string[] {
  return [...(repository ? [repository] : []), ...Object.values(repositories)]
}

/** The template with each `{name}` replaced by its value; an unknown name stays as it is. */
export function fill(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) =>
    Object.hasOwn(values, name) ? (values[name] ?? '') : whole,
  )
}
