// The files that one step of the work has changed, so that a later attempt has them without the
// step.
import { contentBytes } from '../../lib/file-content.ts'
import type { FileChange } from '../../publisher/output-fields.ts'
import { entryAt, PathProblem, removeInside, writeInside } from '../../workspaces/inside.ts'
import type { WorkingCopy } from '../../workspaces/working-copy.ts'
import { contentAt } from '../../workspaces/working-copy.ts'
import type { AgentContext } from '../agent.ts'

/** Runs a step that changes files; an attempt that has its result makes the changes without it. */
export async function changingStep<Result extends { changes: readonly FileChange[] }>(
  step: AgentContext<unknown>['step'],
  copy: WorkingCopy,
  name: string,
  work: () => Promise<Result>,
): Promise<Result> {
  let isNew = false
  const result = await step(name, () => {
    isNew = true
    return work()
  })
  if (!isNew) await restore(copy, result.changes)
  return result
}

/** What is not as the steps before have left it, files that are as in the commit again included. */
export async function changedSince(copy: WorkingCopy, before: readonly FileChange[]): Promise<FileChange[]> {
  const known = new Map(before.map((change) => [change.path, change]))
  const { changes } = await copy.changed()
  const now = new Set(changes.map(({ path }) => path))
  const undone = await Promise.all([...known.keys()].filter((path) => !now.has(path)).map((path) => asItIs(copy, path)))
  return [...changes, ...undone].filter((change) => JSON.stringify(change) !== JSON.stringify(known.get(change.path)))
}

async function asItIs({ folder }: WorkingCopy, path: string): Promise<FileChange> {
  try {
    return await contentAt(folder, path)
  } catch (error) {
    if (error instanceof PathProblem) return { path, deleted: true }
    throw error
  }
}

/** Makes the changes in a checkout. */
async function restore({ folder }: WorkingCopy, changes: readonly FileChange[]): Promise<void> {
  // First what is deleted: a file may stand where a folder was.
  for (const { path, ...change } of changes) {
    if ('deleted' in change && (await entryAt(folder, path))?.kind === 'file') await removeInside(folder, path)
  }
  for (const { path, ...change } of changes) {
    if ('deleted' in change) continue
    const { content, executable } = change
    await writeInside(folder, path, { bytes: contentBytes(content), executable })
  }
}
