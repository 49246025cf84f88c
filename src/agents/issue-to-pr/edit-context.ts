// Opens a checkout for work: what may be changed in it, and what may be run.
import { isProtectedBy } from '../../lib/protected-paths.ts'
import type { CheckedOut } from '../../workspaces/checkout.ts'
import { openWorkingCopy } from '../../workspaces/working-copy.ts'
import type { AgentContext } from '../agent.ts'
import type { Isolation } from '../isolation/isolation.ts'
import type { Limits } from '../isolation/limits.ts'
import type { AllowedCommand, EditContext } from './tools/tool.ts'

/** A checkout, and what may be done in it. */
export type EditContextOptions = {
  ctx: Pick<AgentContext<unknown>, 'step' | 'model' | 'workspace' | 'log' | 'signal' | 'now'>
  /** As `ctx.checkout` returns it; its files are changed. */
  checkout: CheckedOut
  /** Of all programs that run in it. */
  isolation: Isolation
  /** Files and folders that programs may read besides. */
  read?: readonly string[]
  /** What the model may run, by name. */
  commands?: Readonly<Record<string, AllowedCommand>>
  /** As in the rule's `outputs.pull_request`, so that nothing is made that is refused later. */
  protectedPaths?: readonly string[]
  protectLockFiles?: boolean
  limits?: {
    /** Of the files that may be changed. Default 100, and 10 MB. */
    maxFiles?: number
    maxBytes?: number
    /** Of each program. */
    programs?: Limits
  }
}

/** Opens it. */
export async function openEditContext(options: EditContextOptions): Promise<EditContext> {
  const { ctx, checkout, isolation, read, commands = {}, limits: { programs, ...files } = {} } = options
  const isProtected = isProtectedBy(options)
  const refuse = (path: string) => (isProtected(path) ? `${path} is protected: no agent may change it.` : null)
  const { workspace, signal, log } = ctx
  const [own, home] = [await workspace(), await workspace()]
  const copy = await openWorkingCopy({ ...checkout, ...files, own, signal, refuse })
  const { folder, objects } = checkout
  return {
    copy,
    commands,
    refuse,
    checkout: { folder, objects, home, isolation, read, limits: programs, workspace, log, signal },
  }
}
