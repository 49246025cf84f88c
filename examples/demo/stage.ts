// What the parts of the demo act on: the running Signalbox, and the repositories.
import type { RepositoryHandle } from '@signalbox/fake-github'
import type { SignalboxClient } from '@signalbox/sdk'
import { note } from './narrate.ts'

/** The app that is deployed. */
export const APP = 'customer-support-bot'

export type Json = Record<string, unknown>

/** The running parts. `cli` runs a command against Signalbox; `input` is its standard input. */
export type Stage = {
  url: string
  token: string
  tokenFile: string
  box: SignalboxClient
  cli: (args: readonly string[], input?: string) => Promise<string>
  byHandler: RepositoryHandle
  turnkey: RepositoryHandle
}

/** Shows a command, runs it, and returns what it prints as JSON. */
export async function run(stage: Stage, args: readonly string[], input?: string): Promise<Json> {
  note(`$ signalbox ${args.map(quoted).join(' ')}`)
  return JSON.parse(await stage.cli([...args, '--json'], input)) as Json
}

/** An argument as one would type it. */
export function quoted(argument: string): string {
  return /^[\w@./:-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`
}
