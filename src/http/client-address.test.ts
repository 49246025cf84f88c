import type { IncomingMessage } from 'node:http'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseTrustedProxies } from '../lib/trusted-proxies.ts'
import { clientAddresses, networkOf } from './client-address.ts'

const ATTACKER = '203.0.113.66'
const PROXY = '10.0.0.1'

/** What a request from `peer` with these headers is said to come from. */
function client(trust: string, peer: string, headers: Record<string, string> = {}): string {
  const proxies = parseTrustedProxies(trust)
  if (proxies === null) throw new Error(`not a TRUST_PROXY: ${trust}`)
  const request = { headers, socket: { remoteAddress: peer } } as unknown as IncomingMessage
  return clientAddresses(proxies).of(request)
}
function via(chain: string) {
  return { 'x-forwarded-for': chain }
}

test('by default nobody is believed: the client is whoever connected', () => {
  const said = { ...via('1.2.3.4'), 'x-real-ip': '1.2.3.4', forwarded: 'for=1.2.3.4' }
  expect(client('0', ATTACKER, said)).toBe(ATTACKER)
  expect(client('0', '127.0.0.1', said)).toBe('127.0.0.1')
})

test.each([
  ['1', PROXY, '198.51.100.7', '198.51.100.7'],
  ['2', PROXY, '198.51.100.7, 10.0.0.2', '198.51.100.7'],
  ['10.0.0.0/8', PROXY, '198.51.100.7', '198.51.100.7'],
  ['10.0.0.1,192.0.2.9', PROXY, '198.51.100.7, 192.0.2.9', '198.51.100.7'],
  ['loopback', '127.0.0.1', '198.51.100.7', '198.51.100.7'],
  ['loopback', '::1', '2001:db8::7', '2001:db8::7'],
  ['loopback, uniquelocal', '127.0.0.1', '198.51.100.7, 192.168.3.4', '198.51.100.7'],
  ['linklocal', 'fe80::1%eth0', '198.51.100.7', '198.51.100.7'],
  ['fd00::/8', 'fd00::1', '2001:DB8:0:0::7', '2001:db8::7'],
  // A server that listens on IPv6 and IPv4, and a proxy that does.
  ['10.0.0.0/8', '::ffff:10.0.0.1', '::ffff:198.51.100.7', '198.51.100.7'],
  // Some proxies add the port.
  ['1', PROXY, '198.51.100.7:51234', '198.51.100.7'],
  ['1', PROXY, '[2001:db8::7]:51234', '2001:db8::7'],
  ['1', PROXY, '[2001:db8::7]', '2001:db8::7'],
  // A request of the proxy's own network, and of the proxy itself.
  ['10.0.0.0/8', PROXY, '10.0.0.50', '10.0.0.50'],
  ['10.0.0.0/8', PROXY, '', PROXY],
])('TRUST_PROXY=%s: from %s with "%s" is from %s', (trust, peer, chain, expected) => {
  expect(client(trust, peer, chain === '' ? {} : via(chain))).toBe(expected)
})

describe('a sender cannot choose its address', () => {
  test.each([
    ['a header of its own, past the proxy', '10.0.0.0/8', ATTACKER, '1.2.3.4', ATTACKER],
    ['a name of the proxy, past it', '10.0.0.0/8', ATTACKER, '1.2.3.4, 10.0.0.1', ATTACKER],
    ['a longer chain', '1', PROXY, `1.2.3.4, 5.6.7.8, ${ATTACKER}`, ATTACKER],
    ['a longer chain with two proxies', '2', PROXY, `1.2.3.4, ${ATTACKER}, 10.0.0.2`, ATTACKER],
    ['a chain of trusted addresses', '10.0.0.0/8', PROXY, `1.2.3.4, 10.0.0.3, ${ATTACKER}`, ATTACKER],
    ['this machine', 'loopback', '127.0.0.1', `127.0.0.1, ${ATTACKER}`, ATTACKER],
    ['the same in IPv6', 'loopback', '127.0.0.1', `::ffff:127.0.0.1, ${ATTACKER}`, ATTACKER],
    ['words', '1', PROXY, 'unknown', PROXY],
    ['another form of a number', '1', PROXY, '0x7f000001', PROXY],
    ['a short form', '1', PROXY, '127.1', PROXY],
    ['an octal form', '1', PROXY, '0177.0.0.01', PROXY],
    ['a line for the log', '1', PROXY, '1.2.3.4\nroot logged in', PROXY],
    ['markup', '1', PROXY, '<script>', PROXY],
    ['a zone with words', '1', PROXY, 'fe80::1%x', 'fe80::1'],
    ['nothing at the end', '1', PROXY, '1.2.3.4,', PROXY],
    ['a port that is not a number', '1', PROXY, '1.2.3.4:x', PROXY],
  ])('with %s (TRUST_PROXY=%s)', (_what, trust, peer, chain, expected) => {
    expect(client(trust, peer, via(chain))).toBe(expected)
  })

  test.each(['x-real-ip', 'forwarded', 'true-client-ip', 'cf-connecting-ip', 'x-client-ip'])(
    'with %s, which is not read',
    (name) => {
      expect(client('1', PROXY, { [name]: 'for=1.2.3.4', ...via(ATTACKER) })).toBe(ATTACKER)
      expect(client('1', PROXY, { [name]: '1.2.3.4' })).toBe(PROXY)
    },
  )

  test('whatever it writes before what the proxies add', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom('1', '10.0.0.0/8', 'uniquelocal'), (forged, trust) => {
        expect(client(trust, PROXY, via(`${forged}, ${ATTACKER}`))).toBe(ATTACKER)
      }),
    )
  })

  test('and what is read is an address, whatever is written', () => {
    fc.assert(
      fc.property(fc.string(), (chain) => {
        expect(client('5', PROXY, via(chain))).toMatch(/^[\da-f.:]+$/)
      }),
    )
  })
})

test('a chain of many thousand trusted addresses costs no more than one of a few', () => {
  const chain = Array(4_000).fill('10.0.0.9').join(',')
  expect(client('10.0.0.0/8', PROXY, via(chain))).toBe('10.0.0.9')
})

test.each(['everybody', '0.0.0.0/0', '::/0', '10.0.0.0/33', '10.0.0.0/8;', ',', '1.2.3', '100', '-1', 'true'])(
  'TRUST_PROXY=%s is refused',
  (text) => {
    expect(parseTrustedProxies(text)).toBe(null)
  },
)

test('of IPv6 the network counts as one sender, of IPv4 the address', () => {
  expect(networkOf('198.51.100.7')).toBe('198.51.100.7')
  expect(networkOf('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64')
  expect(networkOf('2001:db8:1:2::9')).toBe('2001:db8:1:2::/64')
  expect(networkOf('2001:db8:1:3::9')).not.toBe(networkOf('2001:db8:1:2::9'))
  expect(networkOf('::ffff:198.51.100.7')).toBe('198.51.100.7')
  expect(networkOf('unknown')).toBe('unknown')
})
