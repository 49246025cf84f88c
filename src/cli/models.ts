// `signalbox models`: tries the language models that agents ask.
import type { Command } from 'commander'
import { modelsNamed } from '../config/models.ts'
import { errorText } from '../lib/error.ts'
import { requireWhole } from '../models/failure.ts'
import type { ModelRef } from '../models/model-ref.ts'
import { labelOf } from '../models/model-ref.ts'
import type { Models } from '../models/models.ts'
import { MODEL_NAME_RULE, readModelName } from '../models/models.ts'
import { NO_MODEL } from '../models/target.ts'
import { loadConfigured, withConfigFile } from './config-file.ts'
import { environmentOf } from './environment.ts'
import { CliError, Unsuccessful } from './failure.ts'
import { tokensText, usdText } from './model-text.ts'
import type { Column } from './table.ts'
import { table } from './table.ts'
import type { Cli } from './terminal.ts'

const QUESTION = 'Answer with the one word: ready'
// Models that think use some before they answer.
const MAX_TOKENS = 2000
const TIMEOUT_MS = 60_000

type Tried = {
  model: string
  ok: boolean
  took_ms: number
  input_tokens: number
  output_tokens: number
  usd: number | null
  error: string | null
}

const COLUMNS: readonly Column<Tried>[] = [
  { title: 'MODEL', value: ({ model }) => model },
  { title: 'RESULT', value: ({ ok }) => (ok ? 'answers' : 'fails') },
  { title: 'TOOK', value: ({ took_ms: ms }) => `${(ms / 1000).toFixed(1)}s` },
  { title: 'TOKENS', value: (tried) => (tried.ok ? tokensText(tried) : '') },
  { title: 'COST', value: ({ ok, usd }) => (ok ? usdText(usd) || 'no price is set' : '') },
  { title: 'ERROR', value: ({ error }) => error },
]

/** Adds `models test`. */
export function addModels(models: Command, cli: Cli): void {
  withConfigFile(models.command('test [model]'))
    .description('ask one short question, and show time, tokens and cost; without a model, of all that are named')
    .addHelpText(
      'after',
      '\nExamples:\n  $ signalbox models test\n  $ signalbox models test anthropic/claude-sonnet-4-5',
    )
    .action(async (given: string | undefined, options: { config?: string }) => {
      const installation = await loadConfigured(cli, options)
      const refs = given === undefined ? modelsNamed(installation) : [readRef(cli, given)]
      if (refs.length === 0) throw new CliError('model_unset', NO_MODEL, 'docs/agents.md says which models there are.')
      const items = await Promise.all(refs.map((ref) => tryModel(installation.models, ref)))
      cli.print({ items }, () => table(COLUMNS, items))
      if (items.some(({ ok }) => !ok)) throw new Unsuccessful()
    })
}

/** @throws CliError when it is no model. */
function readRef(cli: Cli, given: string): ModelRef {
  const ref = readModelName(given, environmentOf(cli))
  if (ref !== null) return ref
  const hint = 'For example: signalbox models test anthropic/claude-sonnet-4-5'
  throw new CliError('model_invalid', `${given}: ${MODEL_NAME_RULE}`, hint)
}

async function tryModel(models: Models, ref: ModelRef): Promise<Tried> {
  const startedAt = performance.now()
  const tookMs = () => Math.round(performance.now() - startedAt)
  const tried = { model: labelOf(ref), input_tokens: 0, output_tokens: 0, usd: null }
  const request = { messages: [{ role: 'user' as const, content: QUESTION }], maxTokens: MAX_TOKENS }
  try {
    const answer = await models.call(ref, request, AbortSignal.timeout(TIMEOUT_MS))
    requireWhole(answer)
    const { inputTokens, outputTokens, usd } = answer
    const used = { input_tokens: inputTokens, output_tokens: outputTokens, usd }
    return { ...tried, ...used, ok: true, took_ms: answer.tookMs, error: null }
  } catch (error) {
    return { ...tried, ok: false, took_ms: tookMs(), error: errorText(error) }
  }
}
