// A TCP proxy before a server, whose connections can go silent: open at both ends, and nothing
// arrives.
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { connect, createServer } from 'node:net'

/** An open proxy. */
export type TcpProxy = {
  port: number
  /**
   * Nothing passes from now on, on the open connections or on all; returns what ends it: by cutting
   * what was silent, or by passing on what has waited.
   */
  silence(which: 'old' | 'all'): (how: 'cut' | 'resume') => void
  /**
   * What the server says from now on is dropped, while what clients say is passed on; returns what
   * ends it, by cutting every connection.
   */
  mute(): () => void
  /** Resets all connections at once. */
  reset(): void
  close(): Promise<void>
}

type Pair = { client: Socket; server: Socket | null }

/** Opens a proxy to a port of this machine, which is asked for with each connection. */
export async function openProxy(portOf: () => number): Promise<TcpProxy> {
  const pairs = new Set<Pair>()
  const refusing = new Set<Pair>()
  let silentForNew = false
  let isMuted = false

  const join = (pair: Pair): void => {
    const server = connect(portOf(), '127.0.0.1')
    pair.server = server
    server.setNoDelay(true)
    pair.client.pipe(server)
    if (isMuted) server.resume()
    else server.pipe(pair.client)
    server.on('error', () => cut(pair)).on('close', () => cut(pair))
  }
  const cut = (pair: Pair): void => {
    pairs.delete(pair)
    refusing.delete(pair)
    pair.client.resetAndDestroy()
    pair.server?.resetAndDestroy()
  }
  const listener = createServer((client) => {
    const pair: Pair = { client, server: null }
    pairs.add(pair)
    client.setNoDelay(true)
    client.on('error', () => cut(pair)).on('close', () => cut(pair))
    if (silentForNew) refusing.add(pair)
    else join(pair)
  }).listen(0, '127.0.0.1')
  await once(listener, 'listening')

  return {
    port: (listener.address() as AddressInfo).port,
    silence(which) {
      const silent = [...pairs]
      for (const { client, server } of silent) {
        client.unpipe().pause()
        server?.unpipe().pause()
      }
      silentForNew = which === 'all'
      return (how) => {
        silentForNew = false
        for (const pair of [...silent.filter((one) => pairs.has(one)), ...refusing]) {
          refusing.delete(pair)
          if (how === 'cut') cut(pair)
          else if (pair.server === null) join(pair)
          else {
            pair.client.pipe(pair.server)
            pair.server.pipe(pair.client)
          }
        }
      }
    },
    mute() {
      isMuted = true
      for (const { server } of pairs) server?.unpipe().resume()
      return () => {
        isMuted = false
        for (const pair of pairs) cut(pair)
      }
    },
    reset() {
      for (const pair of pairs) cut(pair)
    },
    async close() {
      for (const pair of pairs) cut(pair)
      listener.close()
      await once(listener, 'close')
    },
  }
}
