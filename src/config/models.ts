// The models of an installation, and what its rules and prices say of them.
import { isDeepStrictEqual } from 'node:util'
import type { Agent } from '../agents/agent.ts'
import type { Environment } from '../lib/environment.ts'
import { AppError } from '../lib/error.ts'
import { entryLabel } from '../lib/zod.ts'
import type { ModelRef } from '../models/model-ref.ts'
import { labelOf } from '../models/model-ref.ts'
import type { Models } from '../models/models.ts'
import { openModels } from '../models/models.ts'
import { parsePrices, priceOf } from '../models/prices.ts'
import type { Rule } from '../rules/rule.ts'
import type { Installation } from './configure.ts'

type Named = { rules: readonly Rule[]; agents: readonly Agent[] }

/**
 * Opens the models that rules and agents name.
 * @throws AppError `config_invalid` when a price is wrong, or a budget in dollars has none.
 */
export function modelsOf(environment: Environment, prices: unknown, { rules, agents }: Named): Models {
  const models = openModels({ environment, prices: parsePrices(prices), keyNames: keyNamesOf({ rules, agents }) })
  const modelOf = (rule: Rule) => rule.model ?? agents.find(({ name }) => name === rule.agent)?.model
  for (const [index, rule] of rules.entries()) {
    const ref = modelOf(rule) ?? models.defaultModel
    if (rule.budget?.usd === undefined || ref === undefined || priceOf(models.prices, labelOf(ref))) continue
    const problem = `is in dollars, and "prices" has none for ${JSON.stringify(labelOf(ref))}; add its prices`
    throw new AppError('config_invalid', `${entryLabel('rules', index, rule)}: budget.usd: ${problem}`)
  }
  return models
}

function keyNamesOf({ rules, agents }: Named): string[] {
  const refs = [...rules, ...agents].map(({ model }) => model).filter((ref) => ref !== undefined)
  return [...new Set(refs.flatMap((ref: ModelRef) => (typeof ref === 'string' || !ref.key ? [] : [ref.key])))]
}

/** The models that an installation names: the default one, and those of its rules and agents. */
export function modelsNamed({ models, rules, agents }: Pick<Installation, 'models' | 'rules' | 'agents'>): ModelRef[] {
  const refs = [
    models.defaultModel,
    ...rules.map(({ model }) => model),
    ...[...agents.values()].map(({ model }) => model),
  ]
  const named = refs.filter((ref) => ref !== undefined)
  return named.filter((ref, at) => named.findIndex((other) => isDeepStrictEqual(other, ref)) === at)
}
