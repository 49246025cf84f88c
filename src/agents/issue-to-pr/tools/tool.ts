// What a tool of the edit loop is: what the model may call it with, and what it gets back.
import type { z } from 'zod'
import type { WorkingCopy } from '../../../workspaces/working-copy.ts'
import type { ProgramCheckout } from '../run-in-checkout.ts'

/** A command that the model may run, by its name. */
export type AllowedCommand = {
  argv: readonly [string, ...string[]]
  /** What it is for, in words for the model. */
  description?: string
  /**
   * What the model may add: paths of the repository, or any plain words, options among them.
   * Default: nothing.
   */
  arguments?: 'paths' | 'words'
  /** Variables of the service that it sees. */
  env?: readonly string[]
  /** Default 5 minutes. */
  timeoutMs?: number
}

/** What the tools work on. */
export type EditContext = {
  copy: WorkingCopy
  checkout: ProgramCheckout
  commands: Readonly<Record<string, AllowedCommand>>
  /** Why a path may not be changed; null when it may be. */
  refuse(path: string): string | null
}

/** A command that was run, and how it ended: without an exit code where it was ended. */
export type TestRun = { command: string; exitCode: number | null; tail: string }

/**
 * What came of a call: `said` is our own sentence, `found` the words of others that come with it.
 * `target` says in short what it was about.
 */
export type ToolResult = {
  target: string
  outcome: 'ok' | 'failed' | 'refused'
  said: string
  found?: string
  test?: TestRun
}

/** A tool. */
export type Tool<Arguments = never> = {
  name: string
  description: string
  arguments: z.ZodType<Arguments>
  /** Whether files may have changed by it. */
  changes: boolean
  run(given: Arguments, context: EditContext): Promise<ToolResult>
}

/** Why a call is refused, as a sentence that the model can act on. */
export class Refused extends Error {
  override name = 'Refused'
}

/** A tool with the type of its arguments inferred. */
export function defineTool<Arguments>(tool: Tool<Arguments>): Tool {
  return tool as Tool
}
