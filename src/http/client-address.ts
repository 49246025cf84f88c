// The address that a request came from, seen through the proxies that are trusted (TRUST_PROXY).
import type { IncomingMessage } from 'node:http'
import ipaddr from 'ipaddr.js'
import type { Address } from '../lib/public-address.ts'
import { parseAddress } from '../lib/public-address.ts'
import type { TrustedProxies } from '../lib/trusted-proxies.ts'

/** Where requests come from. */
export type ClientAddresses = {
  /** The client of a request: an address, or `unknown` of a connection that is closed already. */
  of(request: Pick<IncomingMessage, 'headers' | 'socket'>): string
  /** Whether the other end of a connection is a proxy that is trusted. */
  isProxy(peer: string): boolean
}

// Nobody has as many proxies; each costs a microsecond to read.
const MAX_PROXIES = 32
const MAPPED = '::ffff:'
const V4_WITH_PORT = /^(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}$/
const BRACKETED = /^\[([^\]]{1,50})\](?::\d{1,5})?$/

/**
 * Reads clients of requests. Each trusted proxy, beginning with the one that connected, is believed
 * in what it added to the end of `X-Forwarded-For`; whatever stands before that may be the sender's
 * own. What is no address ends the search. No other header is read: one that a proxy does not set
 * itself it passes on as the sender wrote it.
 */
export function clientAddresses(proxies: TrustedProxies): ClientAddresses {
  if (proxies.trustsNobody) return { of: ({ socket }) => peerOf(socket), isProxy: () => false }
  return {
    of({ headers, socket }) {
      const peer = peerOf(socket)
      let found = readAddress(peer)
      if (found === null || !proxies.isTrusted(found, 0)) return peer
      const header = headers['x-forwarded-for'] ?? ''
      const entries = (Array.isArray(header) ? header.join(',') : header).split(',')
      for (let passed = 0; passed < MAX_PROXIES && proxies.isTrusted(found, passed); passed++) {
        const next = readAddress(withoutPort(entries.pop()?.trim() ?? ''))
        if (next === null) break
        found = next
      }
      return found.toString()
    },
    isProxy(peer) {
      const address = readAddress(peer)
      return address !== null && proxies.isTrusted(address, 0)
    },
  }
}

/**
 * The part of an address that one sender has for itself: of IPv6 the first 64 bits, because whoever
 * has one address of such a network has all 2⁶⁴ of them.
 */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const parsed = readAddress(address)
  if (!(parsed instanceof ipaddr.IPv6)) return parsed?.toString() ?? address
  return `${parsed.parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`
}

function peerOf({ remoteAddress = 'unknown' }: { remoteAddress?: string | undefined }): string {
  // What a server that listens on IPv6 says of IPv4.
  return remoteAddress.startsWith(MAPPED) ? remoteAddress.slice(MAPPED.length) : remoteAddress
}

function withoutPort(entry: string): string {
  return V4_WITH_PORT.exec(entry)?.[1] ?? BRACKETED.exec(entry)?.[1] ?? entry
}

/** Reads an address, without its zone, which may be any word; IPv4 written as IPv6 is IPv4. */
function readAddress(text: string): Address | null {
  const parsed = parseAddress(text.split('%', 1)[0] ?? '')
  return parsed instanceof ipaddr.IPv6 && parsed.isIPv4MappedAddress() ? parsed.toIPv4Address() : parsed
}
