// Types of events in rules and endpoints that no known event has. GitHub may have newer ones, so
// these are warnings.
import type { NewEndpoint } from '../endpoints/endpoint.ts'
import { entryLabel } from '../lib/zod.ts'
import type { Rule } from '../rules/rule.ts'
import { unknownTypes } from '../sources/known-types.ts'

/** A sentence for each such glob: `rules[0] "a": on: no known event is called "pshu"; …`. */
export function eventWarnings(
  rules: readonly Pick<Rule, 'name' | 'on'>[],
  sources: Iterable<string>,
  endpoints: readonly Pick<NewEndpoint, 'name' | 'events'>[] = [],
): string[] {
  const names = [...sources]
  const warnings = (label: string, globs: readonly string[]) =>
    unknownTypes(globs, names).map((sentence) => `${label}: ${sentence}`)
  return [
    ...rules.flatMap((rule, at) => warnings(`${entryLabel('rules', at, rule)}: on`, [rule.on].flat())),
    ...endpoints.flatMap((each, at) => warnings(`${entryLabel('endpoints', at, each)}: events`, each.events)),
  ]
}
