// Where deliveries may go: public addresses, and what the operator names in SIGNALBOX_ALLOW_HOSTS
// (pure).
import { isLoopback } from './loopback.ts'
import type { Block } from './public-address.ts'
import { isInBlock, isPublic, parseAddress, parseBlock, reachedBy } from './public-address.ts'

/** What a connection is made for, as undici and `URL` spell it. */
export type Target = { protocol: string; hostname: string; port: string }

/** Decides about every connection of a delivery, by what is known of it so far. */
export type AddressGuard = {
  /** What is wrong with a target as it is written, after "The URL"; null when nothing is. */
  problemOf(target: Target): string | null
  /** Whether the target may be reached at this address, which a name server or a socket gave. */
  permits(target: Target, address: string): boolean
}

/** What `signalbox dev` allows besides: this machine. */
export const LOOPBACK_HOSTS: readonly string[] = ['localhost', '*.localhost', '127.0.0.0/8', '::1']

/** Said of whatever is refused: no address is in it, because callers must not learn any. */
export const ADDRESS_REFUSED = 'must lead to a public address, or to a host named in SIGNALBOX_ALLOW_HOSTS'

// Those of other services: https://fetch.spec.whatwg.org/#port-blocking
const BAD_PORTS: ReadonlySet<number> = new Set([
  0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110,
  111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532,
  540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061,
  6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
])

/**
 * Opens a guard for the entries of SIGNALBOX_ALLOW_HOSTS. A name that is allowed may resolve to any
 * address; an address or a block that is allowed may be reached by every name. An entry with a port
 * allows that port only, whatever it is.
 */
export function addressGuard(allowed: readonly string[] = []): AddressGuard {
  const entries = allowed.flatMap((text) => parseEntry(text) ?? [])
  return {
    problemOf(target) {
      const port = portOf(target)
      const here = entries.filter((entry) => entry.port === null || entry.port === port)
      const named = here.filter((entry) => namesHost(entry, target.hostname))
      if (BAD_PORTS.has(port) && !named.some((entry) => entry.port === port)) {
        return `must not have port ${port}, which is another service's; SIGNALBOX_ALLOW_HOSTS can name host and port`
      }
      if (named.length > 0) return null
      if (target.protocol === 'http:') return 'must be https:, or its host be named in SIGNALBOX_ALLOW_HOSTS'
      const address = parseAddress(target.hostname)
      const isInside = address === null ? isLoopback(withoutDot(target.hostname)) : !isPublic(address)
      return isInside ? ADDRESS_REFUSED : null
    },
    permits(target, text) {
      const address = parseAddress(text)
      if (address === null) return false
      if (isPublic(address)) return true
      const port = portOf(target)
      const here = entries.filter((entry) => entry.port === null || entry.port === port)
      return here.some((entry) => namesHost(entry, target.hostname) || namesHost(entry, text))
    },
  }
}

/** What is wrong with the URL of an endpoint, after its name; null when nothing is. */
export function urlProblem(text: string, guard: AddressGuard): string | null {
  if (!URL.canParse(text)) return 'is not a URL'
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must be https:'
  // It would be stored and shown in clear, and HTTP clients drop it.
  if (url.username !== '' || url.password !== '') return 'must not hold a user name or password'
  // The URL parser has already turned 127.1, 0x7f000001 and their like into dotted decimals.
  return guard.problemOf(url)
}

/** Whether a text can be an entry of SIGNALBOX_ALLOW_HOSTS. */
export function isAllowEntry(text: string): boolean {
  return parseEntry(text) !== null
}

/**
 * Whether one of the entries names the host. One without a port names 443 alone.
 */
export function isNamed(allowed: readonly string[], target: Target): boolean {
  const port = portOf(target)
  const entries = allowed.flatMap((text) => parseEntry(text) ?? [])
  return entries.some((entry) => (entry.port ?? 443) === port && namesHost(entry, target.hostname))
}

type Entry = { port: number | null } & ({ block: Block } | { name: string } | { suffix: string })

const WITH_PORT = /^(.*?)(?::(\d{1,5}))?$/
const NAME = /^(?:[a-z0-9_-]+\.)*[a-z0-9_-]+$/

/** `handler`, `*.internal`, `10.0.0.5`, `fd00::/8`; before a port, IPv6 in brackets. */
function parseEntry(text: string): Entry | null {
  const plain = parseBlock(text)
  if (plain !== null) return { block: plain, port: null }
  const [, host = '', digits] = WITH_PORT.exec(text) ?? []
  const port = digits === undefined ? null : Number(digits)
  if (port !== null && port > 65_535) return null
  const block = parseBlock(host.replace(/^\[(.*)\]$/, '$1'))
  if (block !== null) return { block, port }
  const isSuffix = host.startsWith('*.')
  const name = nameOf(isSuffix ? host.slice(2) : host)
  if (name === null) return null
  return isSuffix ? { suffix: `.${name}`, port } : { name, port }
}

/** A host's name as `URL` spells it: in lower case, and in ASCII. */
function nameOf(text: string): string | null {
  if (/[\s/?#@:\\%]/.test(text) || !URL.canParse(`http://${text}`)) return null
  const name = withoutDot(new URL(`http://${text}`).hostname)
  return NAME.test(name) && parseAddress(name) === null ? name : null
}

function namesHost(entry: Entry, hostname: string): boolean {
  if ('name' in entry) return withoutDot(hostname) === entry.name
  if ('suffix' in entry) return withoutDot(hostname).endsWith(entry.suffix)
  const address = parseAddress(hostname)
  if (address === null) return false
  return isInBlock(address, entry.block) || isInBlock(reachedBy(address), entry.block)
}

function withoutDot(hostname: string): string {
  return hostname.endsWith('.') ? hostname.slice(0, -1) : hostname
}

function portOf({ protocol, port }: Target): number {
  if (port !== '') return Number(port)
  return protocol === 'https:' ? 443 : 80
}
