// Which proxies are believed when they say where a request came from: the value of TRUST_PROXY.
import type { Address, Block } from './public-address.ts'
import { isInBlock, parseBlock } from './public-address.ts'

/**
 * Whether the proxy at an address is believed, of which `passed` proxies nearer to this server were
 * believed already.
 */
export type TrustedProxies = { isTrusted(address: Address, passed: number): boolean; trustsNobody: boolean }

// The names that Express and others use for `trust proxy`.
const NAMED: Record<string, readonly string[]> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
}
const HOPS = /^\d{1,2}$/

/** Nobody is believed: the client is whoever opened the connection. */
export const NO_PROXIES: TrustedProxies = { isTrusted: () => false, trustsNobody: true }

/**
 * Reads a number of proxies, or a list of their addresses, blocks and named blocks; null for
 * anything else. A block of everything is refused: it would let all senders name their own address.
 */
export function parseTrustedProxies(text: string): TrustedProxies | null {
  if (HOPS.test(text)) {
    const hops = Number(text)
    return hops === 0 ? NO_PROXIES : { isTrusted: (_, passed) => passed < hops, trustsNobody: false }
  }
  const blocks: Block[] = []
  for (const one of text.split(',').flatMap((entry) => NAMED[entry.trim().toLowerCase()] ?? [entry.trim()])) {
    const block = parseBlock(one)
    if (block === null || block[1] === 0) return null
    blocks.push(block)
  }
  return { isTrusted: (address) => blocks.some((block) => isInBlock(address, block)), trustsNobody: false }
}
