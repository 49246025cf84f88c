// Events and sources in rules and endpoints that are not known. GitHub may have newer ones, so
// these are warnings.
import type { NewEndpoint } from '../endpoints/endpoint.ts'
import type { Globs } from '../lib/glob.ts'
import { entryLabel } from '../lib/zod.ts'
import type { Rule } from '../rules/rule.ts'
import { unknownSources, unknownTypes } from '../sources/known-types.ts'

/** A sentence for each such glob: `rules[0] "a": on: no known event is called "pshu"; …`. */
export function eventWarnings(
  rules: readonly (Pick<Rule, 'name' | 'on'> & { source?: Globs | null })[],
  sources: Iterable<string>,
  endpoints: readonly Pick<NewEndpoint, 'name' | 'events'>[] = [],
): string[] {
  const names = [...sources]
  const warnings = (label: string, globs: readonly string[]) =>
    unknownTypes(globs, names).map((sentence) => `${label}: ${sentence}`)
  return [
    ...rules.flatMap((rule, at) => {
      const label = entryLabel('rules', at, rule)
      const unknown = unknownSources([rule.source ?? []].flat(), names)
      return [
        ...warnings(`${label}: on`, [rule.on].flat()),
        ...unknown.map((sentence) => `${label}: source: ${sentence}`),
      ]
    }),
    ...endpoints.flatMap((each, at) => warnings(`${entryLabel('endpoints', at, each)}: events`, each.events)),
  ]
}
