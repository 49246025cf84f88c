import { array, assert, constantFrom, ipV4, ipV6, nat, property } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addressGuard, isAllowEntry, isNamed, LOOPBACK_HOSTS, urlProblem } from './address-guard.ts'

const guard = addressGuard()
const anywhere = { protocol: 'https:', hostname: 'hooks.example.com', port: '' }

function isPublic(address: string): boolean {
  return guard.permits(anywhere, address)
}

const REFUSED = [
  // This machine, and no machine
  '0.0.0.0',
  '0.1.2.3',
  '127.0.0.1',
  '127.1.2.3',
  '127.255.255.255',
  '::',
  '::1',
  // Networks of one's own
  '10.0.0.0',
  '10.255.255.255',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.0.1',
  '192.168.255.255',
  '100.64.0.1',
  '100.127.255.255',
  'fc00::1',
  'fd00:ec2::254',
  'fd7a:115c:a1e0::1',
  'fec0::1',
  // The link, and the settings of machines in clouds
  '169.254.0.1',
  '169.254.169.254',
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
  'fe80::1',
  'fe80::1%eth0',
  'febf::1',
  // Documentation, benchmarks, protocols
  '192.0.0.1',
  '192.0.2.1',
  '198.51.100.7',
  '203.0.113.9',
  '192.88.99.1',
  '198.18.0.1',
  '198.19.255.255',
  '2001:db8::1',
  '3fff::1',
  '3fff:fff::1',
  '2001:2::1',
  '2001:10::1',
  '2001:20::1',
  '2001:1::1',
  '100::1',
  '5f00::1',
  // Multicast, broadcast, reserved
  '224.0.0.1',
  '239.255.255.250',
  '240.0.0.1',
  '255.255.255.255',
  'ff02::1',
  'ff0e::1',
  // IPv4 within IPv6
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '::ffff:169.254.169.254',
  '::ffff:0:127.0.0.1',
  '::127.0.0.1',
  '64:ff9b::127.0.0.1',
  '64:ff9b::a9fe:a9fe',
  '64:ff9b:1::8.8.8.8',
  '2002:7f00:1::',
  '2002:a00:1::1',
  '2002:a9fe:a9fe::1',
  '2001::1',
  '2001:0:4136:e378:8000:63bf:3fff:fdd2',
  '2606:4700::5efe:127.0.0.1',
  '2606:4700::200:5efe:10.0.0.1',
  // Beyond what is assigned
  '1::1',
  '4000::1',
  '8000::1',
  'e000::1',
  // No addresses
  '',
  'localhost',
  '127.1',
  '0x7f.0.0.1',
  '8.8.8.8:80',
  '8.8.8.8/32',
]

const PERMITTED = [
  '1.1.1.1',
  '8.8.8.8',
  '9.255.255.255',
  '11.0.0.1',
  '100.63.255.255',
  '100.128.0.1',
  '126.255.255.255',
  '128.0.0.1',
  '168.63.129.15',
  '169.253.255.255',
  '172.15.255.255',
  '172.32.0.1',
  '192.0.1.1',
  '192.167.255.255',
  '192.169.0.1',
  '198.17.255.255',
  '198.20.0.1',
  '223.255.255.255',
  '2001:200::1',
  '2001:4860:4860::8888',
  '2001:db7::1',
  '2003::1',
  '2606:4700:4700::1111',
  '2606:4700::5efe:8.8.8.8',
  '2620:fe::fe',
  '3ffe::1',
  '::ffff:8.8.8.8',
  '64:ff9b::8.8.8.8',
  '2002:808:808::1',
]

describe('an address', () => {
  it.each(REFUSED)('%s is not public', (address) => {
    expect(isPublic(address)).toBe(false)
  })

  it.each(PERMITTED)('%s is public', (address) => {
    expect(isPublic(address)).toBe(true)
  })

  it('of IPv4 is judged alike in every form that IPv6 has for it', () => {
    assert(
      property(ipV4(), nat(0xffff), (v4, site) => {
        const [a = 0, b = 0, c = 0, d = 0] = v4.split('.').map(Number)
        const [high, low] = [((a << 8) | b).toString(16), ((c << 8) | d).toString(16)]
        const forms = [`::ffff:${v4}`, `::FFFF:${high}:${low}`, `0:0:0:0:0:ffff:${high}:${low}`, `[::ffff:${v4}]`]
        const tunnels = [`64:ff9b::${v4}`, `2002:${high}:${low}:${site.toString(16)}::1`, `2606:4700::5efe:${v4}`]
        for (const form of [...forms, ...tunnels]) expect([form, isPublic(form)]).toEqual([form, isPublic(v4)])
        for (const form of [`::${v4}`, `::ffff:0:${v4}`, `fe80::5efe:${v4}`]) expect(isPublic(form)).toBe(false)
      }),
    )
  })

  it('of IPv6 is public only in 2000::/3, or if it leads to a public one of IPv4', () => {
    assert(
      property(ipV6(), (v6) => {
        const first = Number.parseInt(v6.split(':')[0] || '0', 16)
        const isGlobal = first >= 0x2000 && first <= 0x3fff
        const leadsToV4 = /^(::ffff:|0+:0+:0+:0+:0+:ffff:|0*64:ff9b:)/i.test(v6)
        if (!isGlobal && !leadsToV4) expect(isPublic(v6)).toBe(false)
      }),
    )
  })
})

describe('a URL', () => {
  it.each([
    ['https://127.0.0.1/'],
    ['https://127.1/'],
    ['https://2130706433/'],
    ['https://0x7f.1/'],
    ['https://0x7f000001/'],
    ['https://017700000001/'],
    ['https://0177.0.0.1/'],
    ['https://0/'],
    ['https://１２７.０.０.１/'],
    ['https://127。0。0。1/'],
    ['https://%31%32%37.0.0.1/'],
    ['https://[::1]/'],
    ['https://[::ffff:127.0.0.1]/'],
    ['https://[::ffff:7f00:1]/'],
    ['https://[0:0:0:0:0:0:0:1]/'],
    ['https://[::]/'],
    ['https://[64:ff9b::10.0.0.1]/'],
    ['https://169.254.169.254/latest/meta-data/'],
    ['https://10.0.0.1:8443/'],
    ['https://localhost/'],
    ['https://LOCALHOST./'],
    ['https://ｌｏｃａｌｈｏｓｔ/'],
    ['https://a.localhost:3000/'],
  ])('%s leads to no public address, however it is spelled', (url) => {
    expect(urlProblem(url, guard)).toBe('must lead to a public address, or to a host named in SIGNALBOX_ALLOW_HOSTS')
  })

  it.each([
    ['https://hooks.example.com/a?b=c'],
    ['https://hooks.example.com:8443/'],
    ['https://hooks.example.com:80/'],
    ['https://1.1.1.1/'],
    ['https://[2606:4700:4700::1111]:8443/'],
    // Names are judged by what they resolve to.
    ['https://127.0.0.1.example.com/'],
    ['https://internal/'],
  ])('%s is taken', (url) => {
    expect(urlProblem(url, guard)).toBeNull()
  })

  it.each([
    ['https://user:password@hooks.example.com/', 'must not hold a user name or password'],
    ['https://user@hooks.example.com/', 'must not hold a user name or password'],
    ['https://:password@127.0.0.1/', 'must not hold a user name or password'],
    ['http://hooks.example.com/', 'must be https:, or its host be named in SIGNALBOX_ALLOW_HOSTS'],
    ['http://127.0.0.1/', 'must be https:, or its host be named in SIGNALBOX_ALLOW_HOSTS'],
    ['ftp://hooks.example.com/', 'must be https:'],
    ['file:///etc/passwd', 'must be https:'],
    ['gopher://hooks.example.com/', 'must be https:'],
    ['javascript:alert(1)', 'must be https:'],
    ['hooks.example.com', 'is not a URL'],
    ['https://[fe80::1%25eth0]/', 'is not a URL'],
    ['', 'is not a URL'],
  ])('%s is refused: %s', (url, problem) => {
    expect(urlProblem(url, guard)).toBe(problem)
  })

  it.each([22, 25, 53, 110, 143, 389, 465, 587, 993, 2049, 5060, 6000, 6667, 10_080])(
    'is refused with port %i, which belongs to another service',
    (port) => {
      const url = `https://hooks.example.com:${port}/`
      expect(urlProblem(url, guard)).toMatch(`must not have port ${port}`)
      expect(urlProblem(url, addressGuard(['hooks.example.com']))).toMatch(`must not have port ${port}`)
      expect(urlProblem(url, addressGuard([`hooks.example.com:${port}`]))).toBeNull()
    },
  )
})

describe('SIGNALBOX_ALLOW_HOSTS', () => {
  const problem = (url: string, ...allowed: string[]) => urlProblem(url, addressGuard(allowed))

  it.each([
    ['http://handler:3000/', 'handler'],
    ['http://handler:3000/', 'handler:3000'],
    ['http://HANDLER./', 'Handler'],
    ['http://a.b.internal/', '*.internal'],
    ['http://bücher.internal/', 'bücher.internal'],
    ['http://10.1.2.3/', '10.0.0.0/8'],
    ['http://10.1.2.3:8080/', '10.1.2.3:8080'],
    ['http://[::ffff:10.1.2.3]/', '10.1.2.3'],
    ['http://[fd00::5]/', 'fd00::/8'],
    ['http://[fd00::5]:81/', '[fd00::5]:81'],
    ['http://[fd00::5]:81/', '[fd00::/8]:81'],
    ['https://127.0.0.1/', '127.0.0.0/8'],
    ['http://hooks.example.com/', 'hooks.example.com'],
  ])('allows %s by %s', (url, entry) => {
    expect(isAllowEntry(entry)).toBe(true)
    expect(problem(url, entry)).toBeNull()
  })

  it.each([
    ['http://handler:3001/', 'handler:3000'],
    ['http://handler2/', 'handler'],
    ['http://internal/', '*.internal'],
    ['http://evilinternal/', '*.internal'],
    ['http://a.internal.example.com/', '*.internal'],
    ['http://11.1.2.3/', '10.0.0.0/8'],
    ['http://[fe80::5]/', 'fd00::/8'],
    ['http://10.1.2.3/', '10.1.2.3:8080'],
  ])('does not allow %s by %s', (url, entry) => {
    expect(problem(url, entry)).toMatch('SIGNALBOX_ALLOW_HOSTS')
  })

  it.each([
    '',
    '*',
    '*.',
    'a b',
    'http://handler',
    'handler/',
    'handler:x',
    'handler:65536',
    '10.0.0.0/33',
    'a@b',
    '10',
  ])('has no entry %j', (entry) => {
    expect(isAllowEntry(entry)).toBe(false)
  })

  it('lets a name that it has lead anywhere, and another name only to the addresses that it has', () => {
    const allowing = addressGuard(['handler:3000', '10.1.0.0/16'])
    const handler = { protocol: 'http:', hostname: 'handler', port: '3000' }
    expect(allowing.permits(handler, '172.18.0.2')).toBe(true)
    expect(allowing.permits({ ...handler, port: '3001' }, '172.18.0.2')).toBe(false)
    expect(allowing.permits(anywhere, '172.18.0.2')).toBe(false)
    expect(allowing.permits(anywhere, '10.1.2.3')).toBe(true)
    expect(allowing.permits(anywhere, '::ffff:10.1.2.3')).toBe(true)
    expect(allowing.permits(anywhere, '10.2.0.1')).toBe(false)
  })

  it('is this machine in dev, and no other one', () => {
    const dev = addressGuard(LOOPBACK_HOSTS)
    const urls = [
      'http://localhost:3000/',
      'http://a.localhost/',
      'http://127.0.0.1/',
      'http://127.1/',
      'http://[::1]/',
    ]
    for (const url of urls) expect(urlProblem(url, dev)).toBeNull()
    const others = ['http://10.0.0.1/', 'http://0.0.0.0/', 'http://localhost.example.com/', 'https://169.254.169.254/']
    for (const url of others) expect(urlProblem(url, dev)).toMatch('SIGNALBOX_ALLOW_HOSTS')
  })

  it('never makes a refusal say an address', () => {
    assert(
      property(array(constantFrom(...REFUSED)), constantFrom('https:', 'http:'), (allowed, protocol) => {
        const said = addressGuard(allowed).problemOf({ protocol, hostname: '10.9.8.7', port: '' })
        expect(said).toMatch('SIGNALBOX_ALLOW_HOSTS')
        expect(said).not.toMatch(/\d/)
      }),
    )
  })
})

it.each([
  ['api.example.com', 'api.example.com', '443', true],
  ['api.example.com', 'api.example.com', '', true],
  ['api.example.com', 'API.example.com.', '443', false],
  ['api.example.com', 'api.example.com.', '443', true],
  ['api.example.com', 'api.example.com', '8443', false],
  ['api.example.com:8443', 'api.example.com', '8443', true],
  ['api.example.com:8443', 'api.example.com', '443', false],
  ['*.example.com', 'api.example.com', '443', true],
  ['*.example.com', 'example.com', '443', false],
  ['*.example.com', 'badexample.com', '443', false],
  ['10.0.0.0/8', '10.1.2.3', '443', true],
  ['10.0.0.0/8', 'ten.example.com', '443', false],
])('an entry %s names %s at port "%s": %s', (entry, hostname, port, named) => {
  expect(isNamed([entry], { protocol: 'https:', hostname, port })).toBe(named)
})
