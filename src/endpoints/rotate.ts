// Replacing the secret of an endpoint, while the receivers change theirs.
import { AppError } from '../lib/error.ts'
import { readStored } from './change.ts'
import type { Endpoint } from './endpoint.ts'
import { generateSecret, isSigned, readRotation } from './endpoint.ts'
import type { EndpointStore } from './endpoints.ts'
import { getEndpoint } from './endpoints.ts'
import { updateRow } from './row.ts'
import type { StoredSecret } from './secrets.ts'
import { sealSecret } from './secrets.ts'

const MAX_LIVE = 10
const HOUR_MS = 3_600_000

/**
 * Gives an endpoint another secret. Those so far sign as well for `overlap_hours`, 24 by default,
 * or as long as they had; with 0 they are revoked. `secret` is the one that was made, null when the
 * request brought its own.
 * @throws AppError `input_invalid`, `not_found`, and `conflict` for an endpoint of the
 * configuration or of a kind that is not signed, a secret that it has already, and more than ten
 * that would sign.
 */
export async function rotateSecret(
  store: EndpointStore,
  id: string,
  request: unknown,
): Promise<{ endpoint: Endpoint; secret: string | null }> {
  const { overlap_hours: hours, secret: brought } = readRotation(request)
  const secret = brought ?? generateSecret()
  return store.database.transaction(async (tx) => {
    const row = await readStored(tx, id)
    if (!isSigned(row)) {
      const detail = `${JSON.stringify(row.name)} is notified by ${row.kind}, which has no secret: change its credential instead.`
      throw new AppError('conflict', detail)
    }
    if (row.origin === 'config') {
      const detail = `${JSON.stringify(row.name)} is an endpoint of the configuration: put the new secret into its secrets there, before the old one.`
      throw new AppError('conflict', detail)
    }
    const added = sealSecret(store.seal, id, secret, row.at)
    const earlier = hours === 0 ? [] : row.secrets.filter((each) => isLive(each, row.at))
    if (earlier.some((each) => each.fingerprint === added.fingerprint)) {
      throw new AppError('conflict', 'secret: is one that the endpoint has already: give another.')
    }
    if (earlier.length >= MAX_LIVE) {
      const detail = `${MAX_LIVE} secrets sign already: wait until one expires, or revoke them all with overlap_hours: 0.`
      throw new AppError('conflict', detail)
    }
    const until = new Date(row.at.getTime() + hours * HOUR_MS).toISOString()
    const secrets = [added, ...earlier.map((each) => ({ ...each, expires_at: sooner(each.expires_at, until) }))]
    await updateRow(tx, { id, keepsReason: true }, row, { ...row, secrets })
    return { endpoint: await getEndpoint(tx, id), secret: brought === undefined ? secret : null }
  })
}

function isLive({ expires_at: end }: StoredSecret, at: Date): boolean {
  return end === null || Date.parse(end) > at.getTime()
}

function sooner(a: string | null, b: string): string {
  return a !== null && a < b ? a : b
}
