// A job's log, line by line, to its end or as it grows.
import type { JobLogLine, SignalboxClient } from '@signalbox/sdk'
import { lineText } from '../lib/log-line.ts'
import type { Cli } from './terminal.ts'
import { json, plain } from './text.ts'

/** One line of a log: when, from where, and what, with its fields. */
export function logLineText({ at, stream, line, fields }: JobLogLine): string {
  return `${at} ${stream}  ${plain(lineText(line, fields))}`
}

/**
 * Prints a job's log, and where another attempt begins; with `follow` until the job has ended, over
 * lost connections.
 */
export async function printLog(
  cli: Cli,
  client: SignalboxClient,
  { id, follow }: { id: string; follow: boolean },
): Promise<void> {
  let attempt = 1
  const print = (line: JobLogLine) => {
    if (cli.json()) return cli.out(`${json(line)}\n`)
    if (line.attempt !== attempt) cli.out(`Attempt ${line.attempt}:\n`)
    attempt = line.attempt
    cli.out(`${logLineText(line)}\n`)
  }
  if (follow) {
    // Following asks a server that is away again and again; one that was never there is an error.
    await client.jobs.get(id)
    for await (const line of client.jobs.follow(id)) print(line)
    return
  }
  for (let next: number | null = 0; next !== null; ) {
    const page = await client.jobs.log(id, { after: next })
    for (const line of page.items) print(line)
    next = page.next
  }
}
