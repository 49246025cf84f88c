// Which of GitHub's events rules and endpoints want: what a webhook or an App is to be sent.
import { compileGlobs, NAME } from '../lib/glob.ts'
import type { Rule } from '../rules/rule.ts'
import { GITHUB_EVENT_OF } from '../sources/github/event-types.ts'
import { COMMAND_EVENTS } from '../sources/github/facts.ts'

/** What a webhook is of. An App has one for all repositories where it is installed. */
export type HookOwner = 'repository' | 'organization' | 'app'

// What Signalbox itself does with events: it keeps its copies of repositories current, and stores
// what became of the pull requests of deployments.
const ALWAYS = ['push', 'pull_request']

// Sent without being asked for, only to Apps or accounts, or not by webhooks of repositories:
// https://docs.github.com/en/webhooks/webhook-events-and-payloads
const NEVER =
  /^(?:ping|installation(?:_\w+)?|github_app_authorization|marketplace_purchase|security_advisory|sponsorship)$/
const NOT_OF_REPOSITORIES =
  /^(?:custom_property|organization|membership|org_block|team|projects_v2\w*|personal_access_token_request)$/
// They need the permission *Discussions*, and nothing that comes with Signalbox writes there.
const DISCUSSIONS = /^discussion/

/**
 * The events of these rules and endpoints by GitHub's names, in order; `*` alone where one of them
 * wants everything.
 */
export function wantedEvents(
  {
    rules,
    endpoints = [],
  }: { rules: readonly Pick<Rule, 'on'>[]; endpoints?: readonly { events: readonly string[] }[] },
  owner: HookOwner,
): string[] {
  const globs = [...rules.map(({ on }) => [on].flat()), ...endpoints.map(({ events }) => [...events])]
  const all = [...GITHUB_EVENT_OF].filter(([, { event }]) => isSent(event, owner))
  const wanted = new Set(ALWAYS)
  for (const each of globs) {
    const matches = compileGlobs(each, NAME)
    const found = all.filter(([type]) => matches(type))
    if (found.length === all.length && owner !== 'app') return ['*']
    for (const [, { event }] of found) wanted.add(event)
    if (matches('command')) for (const event of COMMAND_EVENTS) if (!DISCUSSIONS.test(event)) wanted.add(event)
  }
  return [...wanted].sort()
}

function isSent(event: string, owner: HookOwner): boolean {
  return !NEVER.test(event) && (owner !== 'repository' || !NOT_OF_REPOSITORIES.test(event))
}
