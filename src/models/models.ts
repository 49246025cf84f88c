// The models of an installation: calls them with the keys of the environment, and repeats what
// passes.
import { setTimeout as sleep } from 'node:timers/promises'
import { backoffMs } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import { systemClock } from '../lib/clock.ts'
import { AppError, GiveUp, RetryAt } from '../lib/error.ts'
import { describe, PARSING } from '../lib/zod.ts'
import type { Fetch } from './call.ts'
import { callOnce, modelFetch } from './call.ts'
import { failureOf, Overloaded } from './failure.ts'
import type { ModelState } from './model.ts'
import type { ModelRef } from './model-ref.ts'
import { labelOf, modelRef } from './model-ref.ts'
import type { Prices } from './prices.ts'
import { costOf, priceOf } from './prices.ts'
import type { ModelAnswer, ModelRequest } from './request.ts'
import { modelRequest } from './request.ts'
import type { ModelEnvironment, Target } from './target.ts'
import { missingFor, NO_MODEL, targetOf } from './target.ts'

const TIMEOUT_MS = 5 * 60_000
const MAX_CALLS = 4
const BACKOFF = { baseMs: 1000, maxMs: 8000 }
/** A provider that asks for longer than this gets the job's slot back meanwhile. */
const LONGEST_PAUSE_MS = 15_000
const OVERLOADED_PAUSE_MS = 60_000

/** What calls of models need. */
export type ModelsOptions = {
  environment: ModelEnvironment
  /** The variables that `{ url, name, key }` names as keys. */
  keyNames?: readonly string[]
  /** Where they are. Default: the environment of this process. */
  variables?: Readonly<Record<string, string | undefined>>
  prices?: Prices
  clock?: Clock
  /** Waits between two calls. */
  pause?: (ms: number, signal: AbortSignal) => Promise<void>
  random?: () => number
}

/** The models. */
export type Models = {
  /** The model that counts where neither the rule nor the agent names one. */
  defaultModel: ModelRef | undefined
  prices: Prices
  /** The variables besides Signalbox's own that have keys, and their values. */
  keyNames: readonly string[]
  secrets: readonly string[]
  /** What has to be set before a model can be called, as one sentence; null when nothing is. */
  problem(model?: ModelRef | undefined): string | null
  /**
   * Calls a model: the given one, else the default. The answer may be cut off (`requireWhole`).
   * @throws GiveUp when it would fail again: nothing is set, the key is refused, the prompt is too
   * long or not allowed. RetryAt at a rate limit, and when the provider stays overloaded. Any other
   * error is a failed attempt.
   */
  call(model: ModelRef | undefined, request: ModelRequest, signal: AbortSignal): Promise<ModelAnswer>
}

/**
 * Opens the models of an environment; nothing is connected or loaded before the first call.
 * @throws AppError `config_invalid` when SIGNALBOX_MODEL names none.
 */
export function openModels(options: ModelsOptions): Models {
  const { environment, variables = process.env, keyNames = [], prices = {} } = options
  const defaultModel = defaultOf(environment)
  let fetch: Fetch | undefined
  const find = (model: ModelRef | undefined): Target | string => {
    const ref = model ?? defaultModel
    if (ref === undefined) return NO_MODEL
    const target = targetOf(ref, environment, variables)
    return missingFor(target) ?? target
  }
  return {
    defaultModel,
    prices,
    keyNames,
    secrets: keyNames.flatMap((name) => variables[name] ?? []),
    problem(model) {
      const found = find(model)
      return typeof found === 'string' ? found : null
    },
    async call(model, given, signal) {
      const found = find(model)
      if (typeof found === 'string') throw new GiveUp(found)
      fetch ??= modelFetch(environment)
      const { text, ...answer } = await repeated(options, found, checked(given), { signal, fetch })
      return { text, ...answer, usd: costOf(priceOf(prices, found.label), answer) }
    },
  }
}

function defaultOf(environment: ModelEnvironment): ModelRef | undefined {
  const { SIGNALBOX_MODEL: name } = environment
  if (name === undefined) return undefined
  const ref = readModelName(name, environment)
  if (ref !== null) return ref
  throw new AppError('config_invalid', `SIGNALBOX_MODEL: ${MODEL_NAME_RULE}`)
}

/** What the name of a model must be where `readModelName` knows none. */
export const MODEL_NAME_RULE = 'must be anthropic/NAME or openai/NAME, or SIGNALBOX_MODEL_URL must name its server'

/** A model by its name, which may be that of the server at SIGNALBOX_MODEL_URL alone. */
export function readModelName(
  name: string,
  { SIGNALBOX_MODEL_URL: url }: Pick<ModelEnvironment, 'SIGNALBOX_MODEL_URL'>,
): ModelRef | null {
  const { data, success } = modelRef.safeParse(name)
  if (success) return data
  return url === undefined ? null : `compatible/${name}`
}

/** @throws GiveUp when a request is not valid. */
function checked(given: unknown): ModelRequest {
  const { data, error } = modelRequest.safeParse(given, PARSING)
  if (error === undefined) return data
  throw new GiveUp(describe(error, { root: 'the request', intro: 'The request to the model is not valid:' }))
}

type Sending = { signal: AbortSignal; fetch: Fetch }

/** Repeats a call while its provider is overloaded, a few times. */
async function repeated(
  { clock = systemClock, pause = wait, random = Math.random }: ModelsOptions,
  target: Target,
  request: ModelRequest,
  sending: Sending,
): Promise<Omit<ModelAnswer, 'usd'>> {
  const { signal } = sending
  for (let calls = 1; ; calls++) {
    signal.throwIfAborted()
    const startedAt = performance.now()
    try {
      const answer = await callOnce(target, request, { ...sending, signal: limited(signal, request) })
      return { ...answer, tookMs: Math.round(performance.now() - startedAt) }
    } catch (error) {
      signal.throwIfAborted()
      if (isTimeout(error)) throw new Error(timeoutText(target, request))
      const failure = failureOf(error, target, clock.now())
      if (!(failure instanceof Overloaded)) throw failure
      const pauseMs = failure.retryAfterMs ?? backoffMs(calls, { ...BACKOFF, random })
      if (calls === MAX_CALLS || pauseMs > LONGEST_PAUSE_MS) {
        const laterMs = Math.max(failure.retryAfterMs ?? 0, OVERLOADED_PAUSE_MS)
        throw new RetryAt(new Date(clock.now().getTime() + laterMs), failure.message)
      }
      await pause(pauseMs, signal)
    }
  }
}

function limited(signal: AbortSignal, { timeoutMs = TIMEOUT_MS }: ModelRequest): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && (error.name === 'TimeoutError' || isTimeout(error.cause))
}

function timeoutText({ label }: Target, { timeoutMs = TIMEOUT_MS }: ModelRequest): string {
  return `${label} did not answer within ${timeoutMs / 1000} s.`
}

async function wait(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => signal.throwIfAborted())
}

/** What the record of a job calls a model, or the default one. */
export function nameOf(models: Pick<Models, 'defaultModel'>, model: ModelRef | undefined): string {
  const ref = model ?? models.defaultModel
  return ref === undefined ? 'none' : labelOf(ref)
}

/** A model as an agent sees it before it asks. */
export function stateOf(models: Pick<Models, 'defaultModel' | 'problem'>, model: ModelRef | undefined): ModelState {
  return { name: nameOf(models, model), problem: models.problem(model) }
}
