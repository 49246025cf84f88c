// The values of the installation's own secrets, which must be in nothing that it writes.
import type { Agent } from '../agents/agent.ts'
import type { Environment } from '../lib/environment.ts'
import type { Source } from '../sources/source.ts'
import { isPlainWord, secrecyOf } from '../untrusted/secret-name.ts'

const ADDRESSES = ['DATABASE_URL', 'SMTP_URL', 'HTTPS_PROXY', 'HTTP_PROXY'] as const

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
    ...configured,
    ...passedOn.flatMap((name) => variables[name] ?? []),
  ]
    .flatMap((secret) => [secret, ...secret.split('\n')])
    .filter((secret) => !isPlainWord(secret))
}

/** As it is written in the address, and as it is. */
function passwordIn(url: string | undefined): string[] {
  const written = url !== undefined && URL.canParse(url) ? new URL(url).password : ''
  if (written === '') return []
  try {
    return [written, decodeURIComponent(written)]
  } catch {
    return [written]
  }
}
