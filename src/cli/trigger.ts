// `signalbox trigger`: a job by hand.
import type { Json, WebhookReceipt } from '@signalbox/sdk'
import type { Command } from 'commander'
import type { ServerOptions } from './api-client.ts'
import { clientOf, withServer } from './api-client.ts'
import { parseJson } from './json-file.ts'
import type { Cli } from './terminal.ts'
import { inline } from './text.ts'
import type { WaitOptions } from './wait.ts'
import { requireCompleted, waitForJobs, withWait } from './wait.ts'

type TriggerOptions = ServerOptions & WaitOptions & { payload?: string }

/** Completes `trigger`. */
export function addTrigger(trigger: Command, cli: Cli): void {
  withWait(withServer(trigger))
    .option('--payload <json>', 'the payload of the job')
    .addHelpText(
      'after',
      `\nExamples:\n  $ signalbox trigger --wait\n  $ signalbox trigger code-review --payload '{"pullRequest": 42}'`,
    )
    .action(async (type: string | undefined, { server, payload, wait = false, timeout }: TriggerOptions) => {
      const input = payload === undefined ? undefined : (parseJson(payload, '--payload') as Json)
      const client = clientOf(cli, { server })
      const triggered = await client.trigger(type ?? 'ping', input)
      if (!wait) return cli.print(triggered, () => madeText(triggered))
      const jobs = await waitForJobs(cli, client, triggered.jobs, { timeout })
      if (cli.json()) cli.print({ ...triggered, ended: jobs }, () => '')
      requireCompleted(jobs)
    })
}

function madeText({ jobs: [job], message }: WebhookReceipt): string {
  return job === undefined
    ? inline(message)
    : `Job ${job} was made, and may still fail.\nSee how it goes with: signalbox jobs show ${job}   (or trigger with --wait)`
}
