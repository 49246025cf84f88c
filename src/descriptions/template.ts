// Templates of what a pull request of a deployment says and is called: `{app}` stands for a name.
import { inline, plainLine } from '../untrusted/inert.ts'
import { changedNames } from './changes.ts'
import type { DeploymentEvent } from './deployment-event.ts'
import { readChanges } from './deployment-event.ts'

/** What a title, a label or a branch may name. */
export const LINE_NAMES = [
  'app',
  'environment',
  'project',
  'variant',
  'revision',
  'message',
  'changes',
  'deployed_by',
  'timestamp',
  'deployment_id',
  'sequence',
] as const

/** What the body may name: the same, and its sections. */
export const BODY_NAMES = [...LINE_NAMES, 'details', 'checklist', 'deployments'] as const

/** What the path may name: it is where one app's configuration is, whatever is deployed. */
export const PATH_NAMES = ['app', 'environment', 'project'] as const

type LineName = (typeof LINE_NAMES)[number]

/** The values as they were sent, each on its own; what is absent has a name for that. */
export function valuesOf({ timestamp, project_id, data }: DeploymentEvent): Record<LineName, string> {
  const or = (value: string | number | null | undefined, absent: string) =>
    value === null || value === undefined || value === '' ? absent : String(value)
  const [firstLine = ''] = (data.commit_message ?? '').trim().split('\n', 1)
  return {
    app: data.app_name,
    environment: data.environment,
    project: or(project_id, 'default'),
    variant: or(data.variant_name, 'a variant'),
    revision: or(data.revision, 'unknown'),
    message: or(firstLine.trim(), 'no message'),
    changes: changedNames(readChanges(data.config_diff)),
    deployed_by: or(data.deployed_by, 'unknown'),
    timestamp,
    deployment_id: data.deployment_id,
    sequence: or(data.sequence, 'unknown'),
  }
}

const MAX_TITLE_CHARS = 250
const MAX_NAME_CHARS = 100

/** The values for a title, a label or a commit's subject. */
export function lineValues(event: DeploymentEvent): Record<LineName, string> {
  return mapValues(valuesOf(event), (text) => plainLine(text, MAX_NAME_CHARS))
}

/** The values inside a line of Markdown. */
export function inlineValues(event: DeploymentEvent): Record<LineName, string> {
  return mapValues(valuesOf(event), inline)
}

/** The title of a pull request, as long as a forge allows. */
export function titleOf(template: string, event: DeploymentEvent): string {
  return fill(template, lineValues(event)).slice(0, MAX_TITLE_CHARS).toWellFormed()
}

/** Each value as `map` makes it. */
export function mapValues<Name extends string>(
  values: Readonly<Record<Name, string>>,
  map: (value: string) => string,
): Record<Name, string> {
  return Object.fromEntries(Object.entries<string>(values).map(([name, value]) => [name, map(value)])) as Record<
    Name,
    string
  >
}

const NAME = /\{(\w+)\}/g

/** The template with each `{name}` replaced by its value, once; an unknown name stays as it is. */
export function fill(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(NAME, (whole, name: string) => (Object.hasOwn(values, name) ? (values[name] ?? '') : whole))
}

/** The names that a template has, each once. */
export function namesIn(template: string): string[] {
  return [...new Set(Array.from(template.matchAll(NAME), ([, name]) => name ?? ''))]
}
