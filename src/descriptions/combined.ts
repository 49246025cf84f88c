// What a pull request says that holds several deployments, made of the versions of its file alone:
// whoever writes it last, and however often, it comes out the same.
import type { JsonObject } from '../lib/json.ts'
import { isObject, sortedKeys } from '../lib/json.ts'
import { REDACTED } from '../untrusted/redact.ts'
import { bodyOf, DEFAULT_BODY, deploymentsTable } from './body.ts'
import { configDiff } from './config-diff.ts'
import type { DeploymentEvent } from './deployment-event.ts'
import { deploymentEvent, readChanges } from './deployment-event.ts'
import { titleOf } from './template.ts'

/** The templates of the texts, and the file that each deployment writes. */
export type Templates = { file: string; title: string; body?: string | undefined }

/** The file at one commit: the deployment that it documents, null when it documents none. */
export type Version = { isThere: boolean; event: DeploymentEvent | null; hasRedacted: boolean }

/**
 * The file on the base branch, and after each deployment on the pull request, oldest first.
 * `earlier` deployments came before those.
 */
export type Versions = { base: Version; versions: readonly Version[]; earlier: number }

/** The texts; null when the newest version is no deployment. */
export function combinedTexts(
  { file, title, body = DEFAULT_BODY }: Templates,
  { base, versions, earlier }: Versions,
): { title: string; body: string } | null {
  const newest = versions.at(-1)?.event ?? null
  if (newest === null) return null
  const events = versions.map(({ event }) => event).filter((event) => event !== null)
  const template = body.includes('{deployments}') ? body : `${body}\n\n## Deployments\n\n{deployments}`
  const deployments = deploymentsTable(events, earlier + versions.length - events.length)
  const hasHidden = versions.some(({ hasRedacted }) => hasRedacted)
  const changes = netChanges({ hasHidden, base, events, isWhole: earlier === 0 && events.length === versions.length })
  return { title: titleOf(title, newest), body: bodyOf(newest, { template, file, deployments, changes }) }
}

/** Reads the file, null where there is none. It may be large, so that one is enough at a time. */
export function readVersion(content: string | null): Version {
  const hasRedacted = content?.includes(REDACTED) ?? false
  return { isThere: content !== null, event: eventOfFile(content), hasRedacted }
}

function eventOfFile(content: string | null): DeploymentEvent | null {
  const file = parse(content)
  if (!isObject(file)) return null
  const { project_id, deployed_at, variant, ...data } = file
  const { name, id, revision } = isObject(variant) ? variant : {}
  const event = { event: 'environment.deployed', timestamp: deployed_at, project_id }
  const known = { ...data, variant_name: name, variant_id: id, revision }
  return deploymentEvent.safeParse({ ...event, data: known }).data ?? null
}

function parse(content: string | null): unknown {
  try {
    return JSON.parse(content ?? '')
  } catch {
    return null
  }
}

type Held = { base: Version; events: readonly DeploymentEvent[]; isWhole: boolean; hasHidden: boolean }

/**
 * What merging would change: the difference of the configurations where both are known, otherwise
 * that of the deployments put together.
 */
function netChanges({ base, events, isWhole, hasHidden }: Held): { config_diff: unknown; note?: string } {
  const after = events.at(-1)?.data.config
  const before = base.isThere ? base.event?.data.config : {}
  if (isObject(before) && isObject(after)) {
    const diff = configDiff(before as JsonObject, after as JsonObject)
    const hidden = hasHidden ? hiddenOnes(joined(diffsOf(events)).modified) : {}
    return { config_diff: { ...diff, modified: { ...hidden, ...diff.modified } } }
  }
  const together = joined(diffsOf(events))
  if (isWhole) return { config_diff: together }
  return { config_diff: together, note: '*Changes of the deployments that are not listed are missing.*' }
}

function diffsOf(events: readonly DeploymentEvent[]): unknown[] {
  return events.map(({ data }) => data.config_diff)
}

/** A secret that became another one: both are written the same, so configurations do not differ. */
function hiddenOnes(modified: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(modified).filter(([, sides]) => isHidden(sides)))
}

function isHidden(sides: unknown): boolean {
  return JSON.stringify(sides)?.includes(REDACTED) ?? false
}

/** A value before all and after all; an empty list where there is none. */
type Net = { before: [] | [unknown]; after: [] | [unknown] }

/** Differences that follow on each other as one, from before the first to after the last. */
function joined(diffs: readonly unknown[]): Record<'modified' | 'added' | 'removed', Record<string, unknown>> {
  const all = new Map<string, Net>()
  const note = (key: string, { before, after }: Net) => all.set(key, { before: all.get(key)?.before ?? before, after })
  for (const { modified, added, removed } of diffs.map(readChanges)) {
    for (const change of modified) note(change.key, { before: [change.old], after: [change.new] })
    for (const { key, value } of added) note(key, { before: [], after: [value] })
    for (const { key, value } of removed) note(key, { before: [value], after: [] })
  }
  const pick = (read: (net: Net) => { value: unknown } | null) =>
    Object.fromEntries(
      [...all].flatMap(([key, net]) => {
        const picked = read(net)
        return picked === null ? [] : [[key, picked.value]]
      }),
    )
  return {
    modified: pick(({ before, after }) => {
      if (before.length === 0 || after.length === 0) return null
      const value = { old: before[0], new: after[0] }
      return isSame(value) && !isHidden(value) ? null : { value }
    }),
    added: pick(({ before, after }) => (before.length === 0 && after.length > 0 ? { value: after[0] } : null)),
    removed: pick(({ before, after }) => (before.length > 0 && after.length === 0 ? { value: before[0] } : null)),
  }
}

function isSame(value: { old: unknown; new: unknown }): boolean {
  return JSON.stringify(sortedKeys(value.old)) === JSON.stringify(sortedKeys(value.new))
}
