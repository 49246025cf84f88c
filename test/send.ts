// Sends a request exactly as described, even a malformed one, over a plain socket.
import { once } from 'node:events'
import { connect } from 'node:net'
import type { BadRequest } from './fixtures/bad-requests.ts'
import type { HeaderList } from './fixtures/signed.ts'

/** The first answer on the connection. */
export type Answer = { status: number; body: string }

type Sending = Pick<BadRequest, 'kind' | 'method' | 'path'> & { headers: HeaderList; body: Buffer }

function headOf({ kind, method, path, headers, body }: Sending, host: string): Buffer {
  const length: HeaderList =
    kind === 'chunked' ? [['transfer-encoding', 'chunked']] : [['content-length', String(body.length)]]
  const given = headers.some(([name]) => name.toLowerCase() === 'content-length') ? [] : length
  const lines = [['host', host] as const, ...headers, ...given].map(([name, value]) => `${name}: ${value}\r\n`)
  // Headers are Latin-1 on the wire; other characters are sent as UTF-8.
  const text = `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`
  return /[^\0-\xff]/.test(text) ? Buffer.from(text, 'utf8') : Buffer.from(text, 'latin1')
}

function* piecesOf(sending: Sending, host: string): Generator<Buffer> {
  const { kind, body } = sending
  if (kind === 'raw') return yield body
  yield headOf(sending, host)
  if (kind === 'slow') return yield body.subarray(0, 1)
  if (kind === 'plain') return yield body
  for (let at = 0; at < body.length; at += 65_536) {
    const chunk = body.subarray(at, at + 65_536)
    yield Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')])
  }
  yield Buffer.from('0\r\n\r\n')
}

/**
 * Sends the request and returns the answer. Rejects when the server closes the connection without
 * one, or does not answer within `limitMs`.
 */
export function send(url: string, sending: Sending, limitMs = 60_000): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { hostname, port, host } = new URL(url)
    const socket = connect(Number(port), hostname)
    const received: Buffer[] = []
    let sent = false
    const finish = (settle: () => void) => {
      clearTimeout(timer)
      socket.destroy()
      settle()
    }
    const timer = setTimeout(() => finish(() => reject(new Error('no answer'))), limitMs)
    const answer = () => {
      const text = Buffer.concat(received).toString('latin1')
      const [head, body = ''] = text.split('\r\n\r\n')
      const status = /^HTTP\/1\.1 (\d{3})/.exec(head ?? '')?.[1]
      const length = /^content-length: (\d+)$/im.exec(head ?? '')?.[1]
      return status === undefined
        ? null
        : { status: Number(status), body, complete: length !== undefined && body.length >= Number(length) }
    }
    socket.on('data', (chunk: Buffer) => {
      received.push(chunk)
      const found = answer()
      if (found?.complete) finish(() => resolve(found))
    })
    // A server that answers before it has the whole body may reset the connection then; the answer
    // counts.
    const ended = () => {
      const found = answer()
      finish(() =>
        found
          ? resolve(found)
          : reject(new Error(`the server closed the connection without an answer${sent ? '' : ' while sending'}`)),
      )
    }
    socket.on('error', () => setImmediate(ended))
    socket.on('end', ended)
    socket.on('close', ended)
    const closed = new Promise((done) => socket.once('close', done))
    void (async () => {
      for (const piece of piecesOf(sending, host)) {
        if (socket.destroyed) return
        if (!socket.write(piece)) await Promise.race([once(socket, 'drain'), closed])
      }
      sent = true
    })()
  })
}
