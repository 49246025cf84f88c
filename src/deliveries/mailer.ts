// Mail over SMTP: one connection for each mail, bounded in time.
import MailComposer from 'nodemailer/lib/mail-composer'
import SmtpConnection from 'nodemailer/lib/smtp-connection'
import { storable } from '../db/text.ts'
import { cut } from '../lib/cut.ts'
import type { Environment } from '../lib/environment.ts'
import { errorText } from '../lib/error.ts'
import { isLoopback } from '../lib/loopback.ts'
import { redactor } from '../untrusted/redact.ts'
import type { PreparedMail } from './kinds/kind.ts'
import type { SendResult } from './send.ts'
import type { Limits, Outcome } from './timed-attempt.ts'
import { attemptOf } from './timed-attempt.ts'

const MAX_REASON_CHARS = 500

/** Sends mails through one SMTP server. */
export type Mailer = {
  /**
   * Makes one attempt; never throws for what the server or the network does. Each mail has a
   * Message-ID that is the same on every attempt.
   */
  send(mail: PreparedMail, limits?: Limits): Promise<SendResult>
}

/** The mailer of the environment; null where it names no server. */
export function mailerOf({ SMTP_URL: url, SMTP_FROM: from }: Environment): Mailer | null {
  return url === undefined || from === undefined ? null : openMailer({ url, from })
}

/**
 * A mailer for `smtp://user:password@host:port`, with STARTTLS where the server offers it, or
 * `smtps://`, with TLS from the beginning. A password is sent over TLS only, except to this
 * machine. `from` is an address, or `Name <address>`.
 */
export function openMailer({ url, from }: { url: string; from: string }): Mailer {
  const server = serverOf(new URL(url))
  const domain = /@([\w.-]+)>?\s*$/.exec(from)?.[1] ?? 'localhost'
  return {
    send(mail, limits = {}) {
      return attemptOf(limits, async (signal) => {
        const message = new MailComposer({
          from,
          to: [...mail.to],
          subject: mail.subject,
          text: mail.text,
          messageId: `<${mail.id}@${domain}>`,
          // RFC 3834: nobody's out-of-office notice is to answer.
          headers: { 'auto-submitted': 'auto-generated' },
          disableFileAccess: true,
          disableUrlAccess: true,
        }).compile()
        try {
          return accepted(
            await converse(server, { envelope: message.getEnvelope(), bytes: await message.build() }, signal),
          )
        } catch (error) {
          signal.throwIfAborted()
          return failure(error, server)
        }
      })
    },
  }
}

type Server = ReturnType<typeof serverOf>

function serverOf({ protocol, hostname, port, username, password }: URL) {
  const isHere = isLoopback(hostname)
  const secure = protocol === 'smtps:'
  const credentials =
    username === '' ? null : { user: decodeURIComponent(username), pass: decodeURIComponent(password) }
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (secure ? 465 : 587) : Number(port),
    secure,
    requireTLS: !secure && !isHere && credentials !== null,
    // A server on this machine has a certificate that nobody has signed, and needs none.
    tls: { rejectUnauthorized: !isHere },
    credentials,
  }
}

type Accepted = { accepted: unknown[]; rejected: unknown[]; response: string }
type Message = { envelope: { from: string | false; to: string[] }; bytes: Buffer }

/** The conversation with the server; ended by closing the connection when the signal says so. */
async function converse({ credentials, ...server }: Server, message: Message, signal: AbortSignal): Promise<Accepted> {
  signal.throwIfAborted()
  const connection = new SmtpConnection({ ...server, connectionTimeout: 60_000 })
  const ended = Promise.withResolvers<never>()
  const stop = () => ended.reject(signal.reason)
  connection.on('error', ended.reject)
  connection.once('end', () => ended.reject(new Error('the server closed the connection')))
  signal.addEventListener('abort', stop)
  try {
    return await Promise.race([ended.promise, sendOver(connection, credentials, message)])
  } finally {
    signal.removeEventListener('abort', stop)
    connection.close()
  }
}

async function sendOver(
  connection: SmtpConnection,
  credentials: Server['credentials'],
  { envelope, bytes }: Message,
): Promise<Accepted> {
  await answered((done) => connection.connect(done))
  if (credentials !== null) await answered((done) => connection.login({ credentials }, done))
  const sent = await answered<Accepted>((done) => connection.send(envelope, bytes, done))
  connection.quit()
  return sent
}

function answered<Value>(ask: (done: (error?: Error | null, value?: Value) => void) => void): Promise<Value> {
  return new Promise((resolve, reject) => ask((error, value) => (error ? reject(error) : resolve(value as Value))))
}

/** Some addresses may have been refused: it is not sent to the others again for that. */
function accepted({ rejected, response }: Accepted): Outcome {
  const refused = rejected.length === 0 ? '' : `\nRefused: ${rejected.join(', ')}`
  return { statusCode: 250, response: storable(cut(`${response}${refused}`, MAX_REASON_CHARS)) }
}

/** Refused for good: every address, or the mail itself. The same again would be refused again. */
function isFinal(error: unknown): boolean {
  const { responseCode = 0, command = '' } = error as { responseCode?: number; command?: string }
  return responseCode >= 500 && (command === 'RCPT TO' || command === 'DATA')
}

function failure(error: unknown, { credentials }: Server): Outcome {
  const { known } = redactor([], credentials === null ? [] : [credentials.pass])
  return {
    error: 'smtp_failed',
    reason: storable(cut(known(errorText(error)), MAX_REASON_CHARS)),
    deliveryControl: isFinal(error) ? 'abort-message' : null,
  }
}
