// The values of the installation's own secrets, which must be in nothing that it writes.
import type { Agent } from '../agents/agent.ts'
import type { Environment } from '../lib/environment.ts'
import type { Source } from '../sources/source.ts'
import { isPlainWord, secrecyOf } from '../untrusted/secret-name.ts'

const ADDRESSES = ['DATABASE_URL', 'SMTP_URL', 'HTTPS_PROXY', 'HTTP_PROXY'] as const
const HEADERS = ['OTEL_EXPORTER_OTLP_HEADERS', 'OTEL_EXPORTER_OTLP_TRACES_HEADERS'] as const

/** What else has secrets: the sources' own, and the variables that agents pass to programs. */
type Parts = {
  sources: ReadonlyMap<string, Pick<Source, 'secrets'>>
  agents: ReadonlyMap<string, Pick<Agent, 'env'>>
  models: { secrets: readonly string[] }
}

/**
 * Tokens, webhook secrets, keys (whole, and line by line) and the passwords in addresses. An
 * ordinary word, such as the password `postgres`, may be in any text for another reason and is left
 * out.
 */
export function ownSecrets(
  environment: Environment,
  { sources, agents, models }: Parts,
  variables: NodeJS.ProcessEnv = process.env,
): string[] {
  const named = Object.entries(environment)
    .filter(([name]) => secrecyOf(name) !== 'none')
    .flatMap(([, value]) => (Array.isArray(value) ? value : [value]))
    .filter((value) => typeof value === 'string')
  const configured = [...sources.values()].flatMap(({ secrets }) => [...secrets])
  const passedOn = [...agents.values()].flatMap(({ env = [] }) => env.filter((name) => secrecyOf(name) !== 'none'))
  return [
    ...named,
    ...models.secrets,
    ...ADDRESSES.flatMap((name) => passwordIn(environment[name])),
    ...HEADERS.flatMap((name) => secretsInHeaders(variables[name])),
    ...configured,
    ...passedOn.flatMap((name) => variables[name] ?? []),
  ]
    .flatMap((secret) => [secret, ...secret.split('\n')])
    .filter((secret) => !isPlainWord(secret))
}

function passwordIn(url: string | undefined): string[] {
  const written = url !== undefined && URL.canParse(url) ? new URL(url).password : ''
  return written === '' ? [] : asWrittenAndDecoded(written)
}

/** Of `name=value,other=value`; a value such as `Bearer KEY` is not secret in its first word. */
function secretsInHeaders(headers = ''): string[] {
  const pairs = headers.split(',').map((pair) => /^([^=]*)=(.*)$/.exec(pair.trim()) ?? [])
  return pairs.flatMap(([, name = '', value = '']) =>
    secrecyOf(name.trim()) === 'none' ? [] : asWrittenAndDecoded(value).flatMap((each) => each.trim().split(/\s+/)),
  )
}

function asWrittenAndDecoded(text: string): string[] {
  try {
    return [text, decodeURIComponent(text)]
  } catch {
    return [text]
  }
}
