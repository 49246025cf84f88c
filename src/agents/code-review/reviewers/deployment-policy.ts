// Reads what a change makes of `deployments/**.json`: the configuration of a model that is live.
import type { Diff, DiffFile } from '../../../diffs/diff.ts'
import { isObject } from '../../../lib/json.ts'
import { isSecretLeaf, secrecyOf } from '../../../untrusted/secret-name.ts'
import type { KeyLines, Leaf, Versions } from './configuration.ts'
import { keyLinesOf, lineOf, MAX_DEPTH, readVersions } from './configuration.ts'
import { isPlaceholder, isReference } from './made-value.ts'
import { judgeParameter } from './parameters.ts'
import type { Head, Remark, Reviewer } from './reviewer.ts'
import { quoted, remarkAt } from './reviewer.ts'

const DEPLOYMENT_FOLDER = /(?:^|\/)deployments\//
const MIN_SECRET_CHARS = 6

/** The reviewer of deployed configurations. */
export const deploymentPolicy: Reviewer = { name: 'deployment-policy', review }

async function review({ files }: Diff, head: Head): Promise<Remark[]> {
  const changed = files.filter(
    ({ path, status }) => DEPLOYMENT_FOLDER.test(path) && path.endsWith('.json') && status !== 'deleted',
  )
  const all = await Promise.all(changed.map((file) => reviewFile(file, head)))
  return all.flat()
}

async function reviewFile(file: DiffFile, head: Head): Promise<Remark[]> {
  const versions = await readVersions(file, head)
  if (versions === null) return []
  if ('invalid' in versions) return [invalid(file, versions)]
  // Moved here from where nobody looked at it, all of it is new.
  const isNew = file.oldPath !== null && !DEPLOYMENT_FOLDER.test(file.oldPath)
  const changed = { ...versions, ...(isNew ? { before: null } : {}), file, lines: keyLinesOf(file) }
  return [...changedLeaves(changed), ...removedKeys(changed), ...addedTools(changed)]
}

function invalid({ path }: DiffFile, { invalid: reason, line }: { invalid: string; line: number | null }): Remark {
  return remarkAt(path, line, {
    category: 'invalid-json',
    severity: 'high',
    confidence: 1,
    title: 'The configuration is not valid JSON',
    body: `Nothing can be deployed from it: ${reason}. Correct it.`,
  })
}

type Changed = Versions & { file: DiffFile; lines: KeyLines }

/** What is wrong with a parameter that is new or another one, and what a reviewer should know. */
function changedLeaves({ file, lines, before, after }: Changed): Remark[] {
  return after.leaves.flatMap((leaf) => {
    const old = before?.values.get(leaf.key)
    if (before?.values.has(leaf.key) === true && old === leaf.value) return []
    if (isSecret(leaf)) return [secret(file, leaf, lineOf(lines, leaf, 'RIGHT'))]
    const judged = judgeParameter(leaf, before === null ? undefined : old)
    return judged.map((one) => remarkAt(file.path, lineOf(lines, leaf, 'RIGHT'), { confidence: 0.95, ...one }))
  })
}

function isSecret({ key, value }: Leaf): boolean {
  if (typeof value !== 'string' || value.length < MIN_SECRET_CHARS) return false
  const secrecy = secrecyOf(key)
  return (
    (secrecy === 'all' || secrecy === 'token') &&
    isSecretLeaf(value, secrecy) &&
    !isReference(value) &&
    !isPlaceholder(value)
  )
}

function secret({ path }: DiffFile, { key }: Leaf, line: number | null): Remark {
  return remarkAt(path, line, {
    category: 'secret',
    severity: 'high',
    confidence: 0.85,
    title: `The configuration has a secret: ${quoted(key)}`,
    body: 'Whoever reads the repository has it. Revoke it first; then name in the configuration where it is kept, and not what it is.',
  })
}

/** What is gone: an object by its own name, not by each of its members. */
function removedKeys({ file, lines, before, after }: Changed): Remark[] {
  if (before === null) return []
  const gone = before.leaves.filter(({ key, isInList }) => !isInList && !after.values.has(key))
  const names = new Map<string, Leaf>()
  for (const leaf of gone) {
    const name = topmostGone(leaf.key, after)
    if (!names.has(name)) names.set(name, leaf)
  }
  return [...names].map(([name, leaf]) =>
    remarkAt(file.path, lineOf(lines, { ...leaf, key: name }, 'LEFT'), {
      category: 'removed-parameter',
      severity: 'medium',
      confidence: 0.9,
      cost: 'medium',
      side: 'LEFT',
      title: `${quoted(name)} is removed from the configuration`,
      body: 'What is live falls back to the default of the model or of the program. Check that this is meant, and that nothing reads it.',
    }),
  )
}

function topmostGone(key: string, after: { objects: ReadonlySet<string> }): string {
  const steps = key.split('.')
  const at = steps.findIndex(
    (_, index) => index < steps.length - 1 && !after.objects.has(steps.slice(0, index + 1).join('.')),
  )
  return at === -1 ? key : steps.slice(0, at + 1).join('.')
}

function addedTools({ file, lines, before, after }: Changed): Remark[] {
  if (before === null) return []
  const known = new Set(toolNames(before.config))
  return toolNames(after.config)
    .filter((name) => !known.has(name))
    .map((name) =>
      remarkAt(file.path, lineOf(lines, { key: 'name', value: name, isInList: true }, 'RIGHT'), {
        category: 'tool-added',
        severity: 'medium',
        cost: 'medium',
        title: `The model gets the tool ${quoted(name)}`,
        body: 'Whatever the model reads can make it call the tool. Check what the tool may do, and who sees what it returns.',
      }),
    )
}

/** The names of the tools in a configuration. */
function toolNames(value: unknown, depth = 0): string[] {
  if (depth > MAX_DEPTH) return []
  if (Array.isArray(value)) return value.flatMap((item) => toolNames(item, depth + 1))
  if (!isObject(value)) return []
  return Object.entries(value).flatMap(([key, item]) =>
    /^(?:tools|functions)$/i.test(key) && Array.isArray(item) ? item.flatMap(nameOfTool) : toolNames(item, depth + 1),
  )
}

function nameOfTool(tool: unknown): string[] {
  if (typeof tool === 'string') return [tool]
  if (!isObject(tool)) return []
  const named = isObject(tool.function) ? tool.function.name : tool.name
  return typeof named === 'string' ? [named] : []
}
