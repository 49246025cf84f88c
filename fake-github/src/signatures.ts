// Who a commit is by when the request says so, says half of it, or nothing.
import { z } from 'zod'
import type { Signature } from './git-commits.ts'
import type { Hub } from './hub.ts'
import { emailOf } from './shapes/accounts.ts'
import type { Account } from './state.ts'

/** `author` and `committer` in request bodies. */
export const signatureSchema = z.object({
  name: z.string(),
  email: z.string(),
  date: z.iso.datetime({ offset: true }).optional(),
})

/** The named person, or the account itself. */
export function signatureOf(hub: Hub, account: Account, given?: z.infer<typeof signatureSchema>): Signature {
  const { name, email, date } = given ?? { name: account.login, email: emailOf(account) }
  return { name, email, atMs: date === undefined ? hub.clock() : Date.parse(date) }
}

/** The committer of everything made on the web site itself. */
export function webCommitter(hub: Hub): Signature {
  return { name: 'GitHub', email: 'noreply@github.com', atMs: hub.clock() }
}
