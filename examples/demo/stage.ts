// What the parts of the demo act on: the running Signalbox, and the repositories.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { RepositoryHandle } from '@signalbox/fake-github'
import type { JobDetail, SignalboxClient } from '@signalbox/sdk'
import { note, over, say, until } from './narrate.ts'

/** The app that is deployed. */
export const APP = 'customer-support-bot'

/** The running parts. Commands run in `clone`, a checkout of `shop`, with `env`. */
export type Stage = {
  url: string
  tokenFile: string
  box: SignalboxClient
  clone: string
  env: Record<string, string>
  shop: RepositoryHandle
  byHandler: RepositoryHandle
}

/** Shows a command, runs exactly that in a shell, and shows what it prints unless that is long. */
export async function run(
  { clone, env }: Pick<Stage, 'clone' | 'env'>,
  command: string,
  { isShown = true }: { isShown?: boolean } = {},
): Promise<void> {
  note(`$ ${command}`)
  const { stdout } = await promisify(execFile)('sh', ['-euc', command], { cwd: clone, env, signal: over.signal })
  for (const line of stdout.split('\n')) if (isShown && line.trim() !== '') say(line)
}

/** The newest job of a type, without those before, when it has ended. */
export async function endedJob({ box }: Stage, type: string, before: readonly string[] = []): Promise<JobDetail> {
  const { id } = await until(`a job of the type ${type} has ended`, async () => {
    const { items } = await box.jobs.list({ type, limit: 1 })
    return items.find((job) => job.completed_at !== null && !before.includes(job.id))
  })
  const job = await box.jobs.get(id)
  say(`job ${id.slice(-8)}, ${type} of the agent ${job.assigned_agent}: ${job.status}`)
  if (job.error !== null) say(`  ${job.error}`)
  return job
}

/** Shows texts that people read on GitHub or in Telegram, without their empty lines. */
export function quote(...texts: string[]): void {
  const shown = texts.map((text) =>
    text
      .replaceAll(/<!--.*?-->|<\/?sub>/gs, '')
      .replaceAll(/\n\s*\n/g, '\n')
      .trim(),
  )
  note(shown.join('\n\n').replaceAll(/^/gm, '   │ ').replaceAll(/ +$/gm, ''))
}
