// Mail: a plain text to some addresses, through the SMTP server of this installation.
import { z } from 'zod'
import { chatLine } from '../../untrusted/inert.ts'
import type { Markup } from '../messages/message.ts'
import { messageOf } from '../messages/message.ts'
import type { Kind } from './kind.ts'
import { parseSettings, refuseGiven } from './kind.ts'

const settings = z.strictObject({ to: z.array(z.email().max(254)).min(1).max(50) })

const MARKUP: Markup = { maxChars: 20_000, escape: (text) => text, title: (line) => line }

// RFC 5322 §2.1.1 recommends lines of 78 characters; mail programs show less of a subject.
const MAX_SUBJECT_CHARS = 150

/** Mail; the first line of a message is its subject. */
export const email: Kind = {
  readSettings(given) {
    refuseGiven(given, 'url', 'the addresses are settings.to', 'mailto:')
    refuseGiven(given, 'credential', 'the SMTP server is SMTP_URL in the environment')
    const { to } = parseSettings(settings, given.settings)
    const addresses = [...new Set(to)]
    const [first = '', ...others] = addresses
    const url = others.length === 0 ? `mailto:${first}` : `mailto:${first} and ${others.length} more`
    return { url, settings: { to: addresses }, credential: null }
  },

  prepare(delivery) {
    const { to } = parseSettings(settings, delivery.endpoint.settings)
    const text = messageOf(delivery, MARKUP)
    const [first = ''] = text.split('\n', 1)
    return { by: 'mail', id: delivery.id, to, subject: chatLine(first, MAX_SUBJECT_CHARS), text }
  },
}
