// All kinds of destinations, and what the rest of the program asks them. A new kind is one entry
// here.
import type { ReadTarget } from '../../endpoints/target.ts'
import { addressGuard, urlProblem } from '../../lib/address-guard.ts'
import { AppError } from '../../lib/error.ts'
import type { PayloadOf } from '../envelope.ts'
import { envelopeOf, relayOf } from '../envelope.ts'
import { readTemplates } from '../messages/message.ts'
import { email } from './email.ts'
import { githubDispatch } from './github-dispatch.ts'
import type { Kind, KindName, Prepared, ToPrepare } from './kind.ts'
import { slack } from './slack.ts'
import { telegram } from './telegram.ts'
import { webhook } from './webhook.ts'

const KINDS: Readonly<Record<KindName, Kind>> = {
  webhook,
  slack,
  telegram,
  email,
  'github-dispatch': githubDispatch,
}

const NO_MAILER =
  'kind: mails are sent through an SMTP server; set SMTP_URL in the environment of this server and restart it'

/** The kind of an endpoint. */
export function kindOf(name: KindName): Kind {
  return KINDS[name]
}

/**
 * Reads where endpoints of all kinds are notified; their addresses must be such that deliveries may
 * reach, by default public ones, and mails need an SMTP server.
 */
export function targetReader(guard = addressGuard(), { hasMailer = true } = {}): ReadTarget {
  return ({ templates, ...asked }) => {
    readTemplates(templates)
    if (asked.kind === 'email' && !hasMailer) throw new AppError('input_invalid', NO_MAILER)
    return KINDS[asked.kind].readSettings(asked, (url) => urlProblem(url, guard))
  }
}

/** What is sent for an event to an endpoint, or why nothing is (pure). */
export function prepareDelivery(delivery: Omit<ToPrepare, 'envelope'>, payloadOf: PayloadOf): Prepared {
  const { endpoint, event } = delivery
  const isRaw = endpoint.kind === 'webhook' && endpoint.format === 'raw'
  const envelope = isRaw ? relayOf(event, payloadOf) : envelopeOf(event, payloadOf)
  if (envelope === null) return { by: 'nothing', reason: 'The event has no body.' }
  return KINDS[endpoint.kind].prepare({ ...delivery, envelope })
}
