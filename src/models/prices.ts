// What models cost, as the configuration says.
import { z } from 'zod'
import { AppError } from '../lib/error.ts'
import { PARSING, problemLines } from '../lib/zod.ts'

const usd = z.number().min(0).max(1_000_000)

const pricesSchema = z.record(z.string(), z.strictObject({ input: usd, output: usd }))

/** US dollars for a million tokens, by model as rules name it. */
export type Prices = z.infer<typeof pricesSchema>

/**
 * Checks `prices` of a configuration.
 * @throws AppError `config_invalid` naming each field at fault.
 */
export function parsePrices(given: unknown): Prices {
  const { data, error } = pricesSchema.safeParse(given ?? {}, PARSING)
  if (error === undefined) return data
  throw new AppError('config_invalid', problemLines(error, { root: 'prices' }).map(withPrices).join('\n'))
}

function withPrices(line: string): string {
  return line.startsWith('prices') ? line : `prices.${line}`
}

/** The price of a model; undefined where there is none. */
export function priceOf(prices: Prices, label: string): Prices[string] | undefined {
  return Object.hasOwn(prices, label) ? prices[label] : undefined
}

/** What a call cost, in US dollars. */
export function costOf(
  price: Prices[string] | undefined,
  { inputTokens, outputTokens }: { inputTokens: number; outputTokens: number },
): number | null {
  return price === undefined ? null : (inputTokens * price.input + outputTokens * price.output) / 1_000_000
}
