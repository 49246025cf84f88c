// `signalbox trigger`: a job by hand.
import type { Json } from '@signalbox/sdk'
import type { Command } from 'commander'
import type { ServerOptions } from './api-client.ts'
import { clientOf, withServer } from './api-client.ts'
import { parseJson } from './json-file.ts'
import type { Cli } from './terminal.ts'
import { inline } from './text.ts'

/** Completes `trigger`. */
export function addTrigger(trigger: Command, cli: Cli): void {
  withServer(trigger)
    .option('--payload <json>', 'the payload of the job')
    .addHelpText(
      'after',
      `\nExamples:\n  $ signalbox trigger\n  $ signalbox trigger code-review --payload '{"pr": 42}'`,
    )
    .action(async (type: string | undefined, { server, payload }: ServerOptions & { payload?: string }) => {
      const input = payload === undefined ? undefined : (parseJson(payload, '--payload') as Json)
      const triggered = await clientOf(cli, { server }).trigger(type ?? 'ping', input)
      const [job] = triggered.jobs
      cli.print(triggered, () =>
        job === undefined ? inline(triggered.message) : `Job ${job} was made. See it with: signalbox jobs show ${job}`,
      )
    })
}
