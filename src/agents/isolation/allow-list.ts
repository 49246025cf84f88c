// The network of a program that may reach some hosts only: a proxy of its own, which makes tunnels
// to those and to nothing else.
import { lookup as systemLookup } from 'node:dns'
import { chmod } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { LookupFunction } from 'node:net'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { addressGuard, isNamed } from '../../lib/address-guard.ts'

const IDLE_MS = 10 * 60_000

/** A running proxy. */
export type AllowList = {
  /** The socket that it listens on. */
  path: string
  close(): void
}

type Options = {
  /** The entries of `network.allow`. */
  allow: readonly string[]
  /** Where the socket is made. */
  folder: string
  /** Called with each host that was refused, and why. */
  onRefused(target: string, reason: string): void
  lookup?: LookupFunction
}

/** Opens a proxy. */
export async function openAllowList({ allow, folder, onRefused, lookup }: Options): Promise<AllowList> {
  const open = new Set<Duplex>()
  const keep = (socket: Duplex) => {
    open.add(socket)
    socket.on('error', () => socket.destroy()).once('close', () => open.delete(socket))
  }
  const server = createServer((request, response) => {
    onRefused(request.url ?? '', 'only https: goes through, by CONNECT')
    response.writeHead(403).end('Only https: goes through this proxy.\n')
  })
  server.on('connection', keep)
  server.on('connect', ({ url = '' }, socket: Duplex, head: Buffer) => {
    const refuse = (reason: string) => {
      onRefused(url, reason)
      socket.end(`HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n${reason}\n`)
    }
    const target = parseTarget(url)
    if (target === null || !isNamed(allow, target)) return refuse('network.allow does not name it')
    const { hostname, port } = target
    const address = { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port) }
    const upstream = connect({ ...address, lookup: guarded(allow, target, lookup) }).setTimeout(IDLE_MS)
    keep(upstream)
    upstream.once('timeout', () => upstream.destroy())
    const onFailure = (error: Error) => refuse(error.message)
    upstream.once('error', onFailure)
    upstream.once('connect', () => {
      upstream.off('error', onFailure)
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      upstream.write(head)
      upstream.pipe(socket).pipe(upstream)
    })
    socket.once('close', () => upstream.destroy())
  })
  const path = join(folder, 'p')
  await new Promise<void>((resolve, reject) => void server.once('error', reject).listen(path, resolve))
  // Its folder is closed to others; into the view of the program comes the socket alone.
  await chmod(path, 0o666)
  return {
    path,
    close() {
      server.close()
      for (const socket of open) socket.destroy()
    },
  }
}

function parseTarget(authority: string) {
  const [, hostname = '', port = ''] = /^([\w.-]{1,253}|\[[\da-fA-F:.]{2,45}\]):(\d{1,5})$/.exec(authority) ?? []
  if (hostname === '' || Number(port) > 65_535) return null
  // As URL spells it: in lower case, and addresses in their usual form.
  return URL.canParse(`https://${hostname}`)
    ? { protocol: 'https:', hostname: new URL(`https://${hostname}`).hostname, port }
    : null
}

/** Who has a domain chooses the addresses of all below it, and so may not choose one inside. */
function guarded(
  allow: readonly string[],
  target: { protocol: string; hostname: string; port: string },
  lookup: LookupFunction = systemLookup,
): LookupFunction {
  const guard = addressGuard(allow.filter((entry) => !entry.startsWith('*.')))
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      const answers = Array.isArray(found) ? found : []
      const permitted = answers.filter(({ address }) => guard.permits(target, address))
      const [first] = permitted
      if (error !== null) callback(error, '')
      else if (first === undefined) callback(new Error('its address is not public; name the host itself'), '')
      else if (options.all) callback(null, permitted)
      else callback(null, first.address, first.family)
    })
  }
}
