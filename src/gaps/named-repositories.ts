// The repositories that rules name, whose webhooks are looked for.
import { DEFAULT_FORGE, isRepositoryName, parseRepositoryRef } from '../lib/repository.ts'
import type { Condition, Rule } from '../rules/rule.ts'

/** The repositories on GitHub of these names and rules, each once; globs name none. */
export function namedRepositories(names: readonly string[], rules: readonly Rule[]): string[] {
  const ofRules = rules.flatMap(({ when, repositories = [] }) => [...repositories, ...namesIn(when)])
  const found = new Map<string, string>()
  for (const name of [...names, ...ofRules]) {
    if (!isRepositoryName(name)) continue
    const { forge, path } = parseRepositoryRef(name)
    const key = path.toLowerCase()
    if ((forge ?? DEFAULT_FORGE) === DEFAULT_FORGE && !found.has(key)) found.set(key, path)
  }
  return [...found.values()]
}

function namesIn(when: Condition | undefined): string[] {
  if (when === undefined) return []
  const { repository = [], all = [], any = [] } = when
  return [...[repository].flat(), ...[...all, ...any].flatMap(namesIn)]
}
