// The doctor on the encryption key: whether it opens what is stored, and how it is replaced.
import type { Database } from '../../db/database.ts'
import { sealedState } from '../../endpoints/reseal.ts'
import { openSeal } from '../../endpoints/seal.ts'
import type { Environment } from '../../lib/environment.ts'
import { ERRORS } from '../../lib/error.ts'
import { keysOf } from '../encryption-key.ts'
import { CliError } from '../failure.ts'
import type { Cli } from '../terminal.ts'
import { count } from '../text.ts'
import type { Check } from './check.ts'
import { ok, problem, warning } from './check.ts'

const NAME = 'encryption key'
const MAX_NAMED = 5

/** The environment with the key that `dev` keeps, and what is wrong with that one. */
export async function withKeys(
  cli: Pick<Cli, 'folder'>,
  environment: Environment,
): Promise<{ environment: Environment; checks: Check[] }> {
  try {
    return { environment: { ...environment, SIGNALBOX_ENCRYPTION_KEY: await keysOf(cli, environment) }, checks: [] }
  } catch (error) {
    if (!(error instanceof CliError)) throw error
    return { environment, checks: [problem(NAME, error.message, error.hint)] }
  }
}

/** Whether the keys open the secrets of all endpoints, and which of them can go. */
export async function encryptionKeyCheck(database: Database, keys: readonly string[]): Promise<Check> {
  const seal = openSeal(keys)
  const { endpoints, used, unreadable } = await sealedState(database, seal)
  const [current, ...others] = seal.keyIds
  if (current === undefined) {
    return endpoints === 0
      ? ok(NAME, 'unset; the first endpoint needs one')
      : problem(
          NAME,
          `unset, and ${count(endpoints, 'endpoint')} cannot be notified`,
          ERRORS.encryption_key_missing.hint,
        )
  }
  const missing = [...used].filter((id) => !seal.keyIds.includes(id))
  if (unreadable.length > 0) {
    const names = unreadable.slice(0, MAX_NAMED).map((name) => JSON.stringify(name))
    const more = unreadable.length > MAX_NAMED ? ` and ${unreadable.length - MAX_NAMED} more` : ''
    const key = missing.length === 0 ? '' : `: key ${missing.join(', ')} is missing`
    const hint = ERRORS.secret_unreadable.hint.replace('the key that the detail names', 'that key')
    return problem(NAME, `cannot decrypt the secrets of ${names.join(', ')}${more}${key}`, hint)
  }
  if (others.some((id) => used.has(id))) {
    const hint = 'Start Signalbox again: every start encrypts all with the first key.'
    return warning(NAME, `${[...used].join(', ')} still in use, besides the first, ${current}`, hint)
  }
  const unused = others.length === 0 ? '' : `; ${others.join(', ')} is used no more and can be taken away`
  const opens = `${current} decrypts the secrets of ${count(endpoints, 'endpoint')}${unused}`
  return ok(NAME, `${opens}; to replace it, put a new one before it and start again`)
}
