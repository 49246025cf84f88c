// Sending what was prepared, whatever it is sent by: each attempt ends in one kind of result.
import type { Dispatcher } from 'undici'
import type { Forges } from '../forges/forges.ts'
import type { Lease } from '../queue/row-lease.ts'
import { redactor } from '../untrusted/redact.ts'
import { callForge } from './call-forge.ts'
import type { KindName, Prepared } from './kinds/kind.ts'
import { kindOf } from './kinds/kinds.ts'
import type { Mailer } from './mailer.ts'
import type { SendResult } from './send.ts'
import { send } from './send.ts'
import { resultOf } from './timed-attempt.ts'

/** What prepared deliveries are sent over. */
export type Transport = {
  dispatcher: Dispatcher
  /** Null where no SMTP server is configured. */
  mailer: Mailer | null
  forges: Forges
  /** What one attempt may take in all. Default 15 s. */
  deadlineMs?: number | undefined
  /** Ends the attempt early. */
  signal?: AbortSignal | undefined
  /** Asked whether the delivery is still this worker's, right before something is written. */
  lease?: Lease | undefined
}

/**
 * Sends what was prepared for an endpoint of a kind; never throws for what the other side or the
 * network does. Secrets of the request that the answer repeats are not in the result.
 */
export async function sendPrepared(
  kind: KindName,
  prepared: Exclude<Prepared, { by: 'nothing' }>,
  transport: Transport,
): Promise<SendResult> {
  const result = await answered(prepared, transport)
  return kindOf(kind).judgeAnswer?.(result) ?? result
}

async function answered(prepared: Exclude<Prepared, { by: 'nothing' }>, transport: Transport): Promise<SendResult> {
  const { dispatcher, mailer, forges, deadlineMs, signal, lease } = transport
  switch (prepared.by) {
    case 'http': {
      const { url, headers, body, secrets } = prepared
      return withoutSecrets(await send({ dispatcher, url, headers, body, deadlineMs, signal, lease }), secrets)
    }
    case 'mail':
      return mailer === null
        ? resultOf({ error: 'not_configured', reason: 'set SMTP_URL and SMTP_FROM' })
        : mailer.send(prepared, { deadlineMs, signal })
    case 'forge':
      return callForge(forges, prepared, { deadlineMs, signal, lease })
  }
}

/** Whatever the fields of the result are. */
function withoutSecrets(result: SendResult, secrets: readonly string[]): SendResult {
  if (secrets.length === 0) return result
  // `Bearer token` is repeated by its second word, too.
  const { known } = redactor(
    [],
    secrets.flatMap((secret) => [secret, ...secret.split(' ')]),
  )
  return JSON.parse(JSON.stringify(result), (_, value) => (typeof value === 'string' ? known(value) : value))
}
