// Where a model is reached and with which key, or what has to be set first.
import type { Environment } from '../lib/environment.ts'
import type { ModelRef } from './model-ref.ts'
import { labelOf } from './model-ref.ts'

/** What of the environment says how models are reached. */
export type ModelEnvironment = Partial<
  Pick<
    Environment,
    | 'ANTHROPIC_API_KEY'
    | 'ANTHROPIC_BASE_URL'
    | 'OPENAI_API_KEY'
    | 'OPENAI_BASE_URL'
    | 'SIGNALBOX_MODEL'
    | 'SIGNALBOX_MODEL_URL'
    | 'SIGNALBOX_MODEL_KEY'
    | 'HTTPS_PROXY'
    | 'HTTP_PROXY'
    | 'NO_PROXY'
  >
>

/** A model with everything that a call of it needs. */
export type Target = {
  label: string
  provider: 'anthropic' | 'openai' | 'compatible'
  /** Its name at the provider. */
  name: string
  /** The address of the API; undefined: the provider's own. */
  url: string | undefined
  /** The variable of its key; null where none is wanted. */
  keyName: string | null
  key: string | undefined
}

/** Where a model is; `variables` has the keys that `{ url, name, key }` names. */
export function targetOf(
  ref: ModelRef,
  environment: ModelEnvironment,
  variables: Readonly<Record<string, string | undefined>>,
): Target {
  const label = labelOf(ref)
  if (typeof ref !== 'string') {
    const { url, name, key: keyName = null } = ref
    return { label, provider: 'compatible', name, url, keyName, key: keyName === null ? undefined : variables[keyName] }
  }
  const slash = ref.indexOf('/')
  const name = ref.slice(slash + 1)
  switch (ref.slice(0, slash)) {
    case 'anthropic': {
      const { ANTHROPIC_API_KEY: key, ANTHROPIC_BASE_URL: url } = environment
      return { label, provider: 'anthropic', name, url, keyName: 'ANTHROPIC_API_KEY', key }
    }
    case 'openai': {
      const { OPENAI_API_KEY: key, OPENAI_BASE_URL: url } = environment
      return { label, provider: 'openai', name, url, keyName: 'OPENAI_API_KEY', key }
    }
    default: {
      const { SIGNALBOX_MODEL_KEY: key, SIGNALBOX_MODEL_URL: url } = environment
      // A server on one's own machine has no keys.
      return {
        label,
        provider: 'compatible',
        name,
        url,
        keyName: key === undefined ? null : 'SIGNALBOX_MODEL_KEY',
        key,
      }
    }
  }
}

/** What there is to do where no model is named at all, as one sentence. */
export const NO_MODEL =
  'No model is set: set SIGNALBOX_MODEL, for example to anthropic/claude-sonnet-4-5 with ANTHROPIC_API_KEY beside it, or "model" of the rule or the agent.'

/** What has to be set before a model can be called, as one sentence; null when nothing is. */
export function missingFor({ label, provider, url, keyName, key }: Target): string | null {
  if (provider === 'compatible' && url === undefined) {
    return `The model ${label} needs the address of its server: set SIGNALBOX_MODEL_URL, for example to http://localhost:11434/v1.`
  }
  return keyName !== null && !key
    ? `The model ${label} needs a key: set ${keyName} in the environment of the service.`
    : null
}
