// A job's log, line by line, to its end or as it grows.
import { setTimeout as wait } from 'node:timers/promises'
import type { JobLogLine, SignalboxClient } from '@signalbox/sdk'
import type { Cli } from './terminal.ts'
import { plain } from './text.ts'
import { hasEnded } from './wait.ts'

const FOLLOW_EVERY_MS = 1_000

/** One line of a log: when, from where, and what. */
export function logLineText({ at, stream, line }: JobLogLine): string {
  return `${at} ${stream}  ${plain(line)}`
}

/** Prints a job's log; with `follow` until the job has ended. */
export async function printLog(
  cli: Cli,
  client: SignalboxClient,
  { id, follow, everyMs = FOLLOW_EVERY_MS }: { id: string; follow: boolean; everyMs?: number },
): Promise<void> {
  let after = 0
  for (;;) {
    // Asked before the lines, so that the last ones are not missed.
    const isLast = !follow || hasEnded(await client.jobs.get(id))
    after = await printAfter(cli, client, { id, after })
    if (isLast) return
    await wait(everyMs)
  }
}

/** Prints every line there is after the one of id `after`; returns the id of the last one. */
async function printAfter(
  cli: Cli,
  client: SignalboxClient,
  { id, after }: { id: string; after: number },
): Promise<number> {
  let last = after
  for (let next: number | null = after; next !== null; ) {
    const page = await client.jobs.log(id, { after: next })
    for (const line of page.items) cli.out(`${cli.json() ? JSON.stringify(line) : logLineText(line)}\n`)
    last = page.items.at(-1)?.id ?? last
    next = page.next
  }
  return last
}
