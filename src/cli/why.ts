// `signalbox why`: what reached us about something, and why something or nothing followed.
import type { Why, WhyEvent } from '@signalbox/sdk'
import type { Command } from 'commander'
import { shortId } from '../lib/short-id.ts'
import { clientOf } from './api-client.ts'
import type { PageOptions } from './page.ts'
import { withPaging } from './page.ts'
import type { Cli } from './terminal.ts'
import { age, inline } from './text.ts'

function eventText(cli: Cli, { id, type, source, actor, subject, received_at, sentences }: WhyEvent): string {
  const by = actor === null ? '' : ` by ${inline(actor)}`
  const about = subject === null ? '' : `, about ${inline(subject)}`
  const head = `${cli.paint('bold', inline(type))} from ${inline(source)}${by}${about}  ${shortId(id)}  ${age(received_at)} ago`
  return [head, ...sentences.map((each) => `  ${inline(each)}`)].join('\n')
}

function whyText(cli: Cli, { about, items, next, checks }: Why): string {
  if (items.length === 0)
    return [`Nothing reached us about ${inline(about)}.`, ...checks.map((each) => `- ${inline(each)}`)].join('\n')
  const more = next === null ? [] : [cli.paint('dim', `There are more: --cursor ${next}`)]
  return [...items.map((each) => eventText(cli, each)), ...more].join('\n\n')
}

/** Completes `why`. */
export function addWhy(why: Command, cli: Cli): void {
  withPaging(why)
    .addHelpText(
      'after',
      `
It may be an issue or a pull request, a branch, a commit, an app in an environment, an event, or an address on GitHub.

Examples:
  $ signalbox why acme/shop#12
  $ signalbox why acme/shop@main
  $ signalbox why bot/production`,
    )
    .action(async (about: string, { server, ...query }: PageOptions) => {
      const found = await clientOf(cli, { server }).why({ about, ...query })
      cli.print(found, () => whyText(cli, found))
    })
}
