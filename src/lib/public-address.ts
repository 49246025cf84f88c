// Which IP addresses belong to the public internet, and which to this machine, its network or
// nobody (pure).
import ipaddr from 'ipaddr.js'

/** An address, parsed. */
export type Address = ipaddr.IPv4 | ipaddr.IPv6
/** A block of addresses: the first one, and how many bits its addresses have in common. */
export type Block = [Address, number]

// https://www.iana.org/assignments/iana-ipv4-special-registry, multicast and what is reserved.
const NOT_PUBLIC_V4: readonly [ipaddr.IPv4, number][] = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
  // Azure's host, which gives a virtual machine its settings.
  '168.63.129.16/32',
].map((block) => ipaddr.IPv4.parseCIDR(block))

// Everything public is in here; the rest is not assigned, or local.
const GLOBAL_V6 = ipaddr.IPv6.parseCIDR('2000::/3')
// https://www.iana.org/assignments/iana-ipv6-special-registry: protocols (Teredo, benchmarks,
// ORCHID) and documentation.
const NOT_PUBLIC_V6: readonly [ipaddr.IPv6, number][] = ['2001::/23', '2001:db8::/32', '3fff::/20'].map((block) =>
  ipaddr.IPv6.parseCIDR(block),
)
const NAT64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96')
const SIX_TO_FOUR = ipaddr.IPv6.parseCIDR('2002::/16')
// Tunnels inside a site (RFC 5214): the interface's half of the address has an IPv4 address.
const ISATAP = 0x5efe
const ISATAP_GLOBAL = 0x200

/** Reads an address as a socket, a name server or a URL writes it; null for anything else. */
export function parseAddress(text: string): Address | null {
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text
  if (ipaddr.IPv4.isValidFourPartDecimal(bare)) return ipaddr.IPv4.parse(bare)
  // ipaddr.js would read this form, which nothing uses any more, as a mapped address.
  if (/^::\d+(\.\d+){3}$/.test(bare)) return null
  return ipaddr.IPv6.isValid(bare) ? ipaddr.IPv6.parse(bare) : null
}

/** Reads `10.0.0.0/8`, or one address as a block of itself; null for anything else. */
export function parseBlock(text: string): Block | null {
  if (ipaddr.IPv4.isValidCIDRFourPartDecimal(text) || ipaddr.IPv6.isValidCIDR(text)) return ipaddr.parseCIDR(text)
  const address = parseAddress(text)
  return address === null ? null : [address, address.kind() === 'ipv4' ? 32 : 128]
}

/** Whether an address is in a block, which may be of the other kind. */
export function isInBlock(address: Address, block: Block): boolean {
  return address.kind() === block[0].kind() && address.match(block)
}

/** Whether an address is of the public internet. */
export function isPublic(address: Address): boolean {
  const reached = reachedBy(address)
  if (reached instanceof ipaddr.IPv4) return !NOT_PUBLIC_V4.some((block) => reached.match(block))
  if (!reached.match(GLOBAL_V6) || NOT_PUBLIC_V6.some((block) => reached.match(block))) return false
  const [, , , , user, protocol] = reached.parts
  const isTunnel = protocol === ISATAP && (user === 0 || user === ISATAP_GLOBAL)
  return !isTunnel || isPublic(new ipaddr.IPv4(reached.toByteArray().slice(12)))
}

/**
 * The IPv4 address that packets to an IPv6 address end up at, where that is mapped, translated
 * (RFC 6052) or tunnelled by 6to4 (RFC 3056); every other address as it is.
 */
export function reachedBy(address: Address): Address {
  if (address instanceof ipaddr.IPv4) return address
  const bytes = address.toByteArray()
  if (address.isIPv4MappedAddress() || address.match(NAT64)) return new ipaddr.IPv4(bytes.slice(12))
  return address.match(SIX_TO_FOUR) ? new ipaddr.IPv4(bytes.slice(2, 6)) : address
}
