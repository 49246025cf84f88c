// Accounts come into being when somebody first mentions them.
import type { Hub } from './hub.ts'
import type { Account } from './state.ts'
import { accountKey } from './state.ts'

/** The account of that name, made on the spot when there is none. */
export function ensureAccount(
  { state, clock }: Pick<Hub, 'state' | 'clock'>,
  login: string,
  type: Account['type'] = 'User',
): Account {
  const known = state.accounts.get(accountKey(login))
  if (known) return known
  const account: Account = {
    id: state.nextId(),
    login,
    type,
    members: new Map(),
    teams: new Map(),
    hooks: new Map(),
    createdAtMs: clock(),
  }
  state.accounts.set(accountKey(login), account)
  return account
}
