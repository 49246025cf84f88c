// The form of a planted defect: a change as somebody would push it, and what is wrong with it.
import type { Entry } from '../../src/diffs/fixtures/golden-diff.ts'

/** Two versions of a repository. */
export type Change = { before: Record<string, Entry>; after: Record<string, Entry> }

/** A change with a known defect, where it is, and who can find it. */
export type Planted = Change & {
  /** `model`: only somebody who understands the code. */
  finder: 'rules' | 'model'
  path: string
  /** Null where it is about the whole file. */
  line: number | null
  side?: 'LEFT'
  /** Of the finding; of a model's, what it should call it. */
  category: string
  /** The defect in a sentence, for people and for recorded answers of a model. */
  defect: string
}

/** Joins what only stands together in a file of a test: nobody's scanner finds a token here. */
export function token(...parts: readonly string[]): string {
  return parts.join('')
}

/** Where the configuration of a bot is. */
export const BOT = 'deployments/bot/production.json'

/** A configuration as the pull request of a deployment writes it. */
export function deployed(config: object): string {
  return json({ app_name: 'bot', config, deployment_id: 'deploy_1', environment: 'production' })
}

/** A file of JSON. */
export function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}
