import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import type { SMTPServerOptions } from 'smtp-server'
import { SMTPServer } from 'smtp-server'
import { afterEach, describe, expect, it } from 'vitest'
import { FIRST_DEPLOYMENT } from '../../../test/fixtures/payloads.ts'
import { refusalOf } from '../../../test/refusal.ts'
import { forgesFrom } from '../../forges/forges.ts'
import { openDispatcher } from '../dispatcher.ts'
import { DELIVERY_ID, endpoint, event, guard, mustPrepare, readTarget } from '../fixtures/to-prepare.ts'
import { openMailer } from '../mailer.ts'
import type { Transport } from '../send-prepared.ts'
import { sendPrepared } from '../send-prepared.ts'

const FROM = 'Signalbox <box@example.com>'
const deployed = event(FIRST_DEPLOYMENT, { source: 'deployments', type: 'environment.deployed' })
const to = endpoint('email', { settings: { to: ['ops@example.com', 'dev@example.com'] } })

const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

/** An SMTP server on loopback, what it was sent, and how it is written in a URL. */
async function openSmtp(options: SMTPServerOptions = {}) {
  const mails: { to: string[]; text: string; user: unknown; secure: boolean }[] = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData(stream, session, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk) => chunks.push(chunk))
      stream.on('end', () => {
        const addresses = session.envelope.rcptTo.map(({ address }) => address)
        mails.push({
          to: addresses,
          text: Buffer.concat(chunks).toString(),
          user: session.user,
          secure: session.secure,
        })
        done()
      })
    },
    ...options,
  })
  server.on('error', () => {})
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  open.push(() => new Promise<void>((closed) => server.close(() => closed())))
  return { mails, host: `127.0.0.1:${(server.server.address() as AddressInfo).port}` }
}

async function send(url: string | null, change: Partial<Transport> = {}, ...args: Parameters<typeof mustPrepare> | []) {
  const dispatcher = openDispatcher({ guard })
  open.push(() => dispatcher.destroy())
  const mailer = url === null ? null : openMailer({ url, from: FROM })
  const prepared = args.length === 0 ? mustPrepare(to, deployed) : mustPrepare(...args)
  return sendPrepared('email', prepared, { dispatcher, mailer, forges: forgesFrom({}), ...change })
}

/** The header of a mail, its folded lines as one. */
function header(mail: string, name: string): string | undefined {
  const [head = ''] = mail.split('\r\n\r\n', 1)
  return head
    .replaceAll(/\r\n[ \t]/g, ' ')
    .split('\r\n')
    .find((line) => line.toLowerCase().startsWith(`${name}: `))
    ?.slice(name.length + 2)
}

describe('an endpoint for mail', () => {
  it('has 1 to 50 addresses, each once', () => {
    const given = { settings: { to: ['a@example.com', 'b@example.com', 'a@example.com'] } }
    expect(readTarget('email', given)).toEqual({
      url: 'mailto:a@example.com and 1 more',
      settings: { to: ['a@example.com', 'b@example.com'] },
      credential: null,
    })
    const one = { settings: { to: ['a@example.com'] } }
    expect(readTarget('email', one).url).toBe('mailto:a@example.com')
  })

  it.each([
    [{}, 'settings.to: is required'],
    [{ to: [] }, 'settings.to: must have at least 1 item'],
    [{ to: Array.from({ length: 51 }, (_, i) => `a${i}@example.com`) }, 'settings.to: must have at most 50 items'],
    [{ to: ['a@example.com\r\nBcc: b@example.com'] }, 'settings.to.0: is not a valid email address'],
    [{ to: ['"a, b"@example.com'] }, 'settings.to.0: is not a valid email address'],
  ])('with the settings %j is refused', (settings, detail) => {
    expect(refusalOf(() => readTarget('email', { settings }))).toMatchObject({ detail })
  })
})

describe('a mail', () => {
  it('reaches every address, with the first line for its subject', async () => {
    const { mails, host } = await openSmtp()
    expect(await send(`smtp://${host}`)).toMatchObject({ statusCode: 250, error: null })
    const [mail] = mails
    expect(mail?.to).toEqual(['ops@example.com', 'dev@example.com'])
    expect(header(mail?.text ?? '', 'from')).toBe(FROM)
    expect(header(mail?.text ?? '', 'subject')).toMatch(/^=\?UTF-8\?/)
    expect(header(mail?.text ?? '', 'auto-submitted')).toBe('auto-generated')
    expect(header(mail?.text ?? '', 'content-type')).toBe('text/plain; charset=utf-8')
  })

  it('has the same Message-ID on every attempt', async () => {
    const { mails, host } = await openSmtp()
    await send(`smtp://${host}`)
    await send(`smtp://${host}`)
    expect(mails.map(({ text }) => header(text, 'message-id'))).toEqual(Array(2).fill(`<${DELIVERY_ID}@example.com>`))
  })

  it('has no header that an event asks for', async () => {
    const { mails, host } = await openSmtp()
    const attack = 'x\r\nBcc: evil@example.com\r\n\r\nhello'
    const own = { ...to, templates: { push: '{{data.payload.title}}\n{{data.payload.title}}' } }
    await send(`smtp://${host}`, {}, own, event({ title: attack }))
    expect(mails[0]?.to).not.toContain('evil@example.com')
    expect(header(mails[0]?.text ?? '', 'bcc')).toBeUndefined()
    expect(header(mails[0]?.text ?? '', 'subject')).toBe('x Bcc: evil@example.com hello')
  })

  it('is sent after a log-in, over TLS where the server offers it', async () => {
    const { mails, host } = await openSmtp({
      authOptional: false,
      disabledCommands: [],
      onAuth: ({ username, password }, _, done) =>
        password === 'pass/word' ? done(null, { user: username }) : done(new Error('Invalid username or password')),
    })
    expect(await send(`smtp://box:pass%2Fword@${host}`)).toMatchObject({ statusCode: 250 })
    expect(mails).toMatchObject([{ user: 'box', secure: true }])
    const wrong = await send(`smtp://box:wrong-password@${host}`)
    expect(wrong).toMatchObject({ statusCode: null, error: 'smtp_failed' })
    expect(wrong.reason).toContain('535')
    expect(JSON.stringify(wrong)).not.toContain('wrong-password')
  })

  it('is sent over TLS from the beginning to smtps', async () => {
    const { mails, host } = await openSmtp({ secure: true })
    expect(await send(`smtps://${host}`)).toMatchObject({ statusCode: 250 })
    expect(mails).toMatchObject([{ secure: true }])
  })

  it('that one address refuses is sent to the others, and not again', async () => {
    const refuse = Object.assign(new Error('No such user'), { responseCode: 550 })
    const { mails, host } = await openSmtp({
      onRcptTo: ({ address }, _, done) => done(address === 'dev@example.com' ? refuse : null),
    })
    const sent = await send(`smtp://${host}`)
    expect(sent).toMatchObject({ statusCode: 250, response: expect.stringContaining('dev@example.com') })
    expect(mails).toMatchObject([{ to: ['ops@example.com'] }])
  })

  it('that every address refuses has failed, unless they may take it later', async () => {
    for (const [responseCode, deliveryControl] of [
      [550, 'abort-message'],
      [450, null],
    ] as const) {
      const error = Object.assign(new Error('No'), { responseCode })
      const { host } = await openSmtp({ onRcptTo: (_address, _session, done) => done(error) })
      const sent = await send(`smtp://${host}`)
      expect(sent).toMatchObject({ statusCode: null, error: 'smtp_failed', deliveryControl })
      expect(sent.reason).toContain(String(responseCode))
    }
  })
})

describe('an attempt to send a mail', () => {
  it('says what is not set up', async () => {
    expect(await send(null)).toMatchObject({ error: 'not_configured', reason: 'set SMTP_URL and SMTP_FROM' })
  })

  it('says that nobody listens', async () => {
    const { host } = await openSmtp()
    await open.splice(0, 1)[0]?.()
    expect(await send(`smtp://${host}`)).toMatchObject({
      error: 'smtp_failed',
      reason: expect.stringContaining('ECONNREFUSED'),
    })
  })

  it('ends in time with a server that says nothing, and when it is cancelled', async () => {
    const sockets: { destroy(): void }[] = []
    const silent = createServer((socket) => void sockets.push(socket))
    await new Promise<void>((listening) => silent.listen(0, '127.0.0.1', listening))
    open.push(async () => {
      for (const socket of sockets) socket.destroy()
      silent.close()
    })
    const url = `smtp://127.0.0.1:${(silent.address() as AddressInfo).port}`
    expect(await send(url, { deadlineMs: 100 })).toMatchObject({ statusCode: null, error: 'timeout' })
    expect(await send(url, { signal: AbortSignal.abort() })).toMatchObject({ error: 'cancelled' })
  })
})
