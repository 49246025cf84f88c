import { describe, expect, test } from 'vitest'
import { readEnvironment } from '../lib/environment.ts'
import type { Started } from './banner.ts'
import { bannerOf, bannerText } from './banner.ts'

function paint(_style: string, text: string): string {
  return text
}

function started(change: {
  mode?: 'dev' | 'serve'
  url?: string | null
  only?: 'receiver' | 'orchestrator'
  env?: Record<string, string>
  forge?: boolean
  access?: 'token' | 'loopback' | 'closed'
  listening?: boolean
}) {
  const { mode = 'serve', url = 'http://127.0.0.1:8000', only, env = {}, forge = false, access = 'token' } = change
  const source = (name: string, secrets: string[]) => [name, { name, secrets }] as const
  const service = {
    url,
    access,
    listening: () => (change.listening === false ? { mode: 'polling', reason: 'a pooler' } : { mode: 'listening' }),
    configured: {
      sources: new Map([source('github', ['one', 'two']), source('agenta', []), source('gitea', [])]),
      rules: [{ name: 'one' }],
      agents: new Map(),
      forges: { names: forge ? ['github'] : [] },
    },
  } as unknown as Started['service']
  const environment = readEnvironment(env)
  const banner = bannerOf({
    mode,
    environment,
    configPath: null,
    store: { kind: mode === 'dev' ? 'embedded' : 'external' },
    service,
    roles: { receiver: only !== 'orchestrator', orchestrator: only !== 'receiver' },
    endpoints: 2,
  })
  return { banner, text: bannerText({ paint }, banner, environment) }
}

describe('the banner', () => {
  test('is an object without a secret in it, for --json', () => {
    const { banner } = started({ env: { GITHUB_REPO: 'acme/shop' }, forge: true })
    expect(banner).toMatchObject({
      mode: 'serve',
      pid: process.pid,
      url: 'http://127.0.0.1:8000',
      roles: { receiver: true, orchestrator: true },
      database: { kind: 'external', notifications: 'listening' },
      config: null,
      sources: [
        { name: 'github', status: 'open', secrets: 2, hint: null },
        { name: 'agenta', status: 'closed', hint: 'set AGENTA_WEBHOOK_SECRET' },
        { name: 'gitea', status: 'closed', hint: 'give it a secret in signalbox.config.ts' },
      ],
      api: 'token',
      github: 'acme/shop',
      rules: 1,
      agents: 0,
      endpoints: 2,
    })
    expect(JSON.stringify(banner)).not.toContain('"one"')
  })

  test('says where webhooks go, and what opens a closed source', () => {
    const { text } = started({})
    expect(text).toMatch(/^Signalbox \S+ listens on http:\/\/127\.0\.0\.1:8000\n\n/)
    expect(text).toMatch(/^webhooks +POST http:\/\/127\.0\.0\.1:8000\/webhook\/github$/m)
    expect(text).toMatch(/^ +agenta is closed: set AGENTA_WEBHOOK_SECRET$/m)
    expect(text).toMatch(/^config +no signalbox\.config\.ts: the default rules \(1 rule, 0 agents, 2 endpoints\)$/m)
    expect(text).toMatch(/^github +not reachable: set GITHUB_TOKEN for pull requests$/m)
  })

  test('shows the public address to senders, where there is one', () => {
    const { text } = started({ env: { SIGNALBOX_PUBLIC_URL: 'https://box.example.com' } })
    expect(text).toMatch(/^webhooks +POST https:\/\/box\.example\.com\/webhook\/github$/m)
    expect(text).toContain('listens on http://127.0.0.1:8000')
  })

  test('has a command to begin with in development only, with the token where one is needed', () => {
    expect(started({ mode: 'dev', access: 'loopback' }).text).toMatch(
      /\n {2}curl -X POST http:\/\/127\.0\.0\.1:8000\/webhook\/manual\n$/,
    )
    expect(started({ mode: 'dev', access: 'token' }).text).toContain('-H "Authorization: Bearer $SIGNALBOX_API_TOKEN"')
    expect(started({ mode: 'serve' }).text).not.toContain('curl')
  })

  test('says how new work is found', () => {
    expect(started({ listening: false }).text).toMatch(
      /^database +DATABASE_URL, polling: notifications do not arrive$/m,
    )
    expect(started({ mode: 'dev' }).text).toMatch(/^database +PostgreSQL of its own in \S+, notifications arrive$/m)
  })

  test('of one part says which, and that the other is elsewhere', () => {
    const receiver = started({ only: 'receiver' }).text
    expect(receiver).toMatch(/^jobs +are left to another process: signalbox serve --only orchestrator$/m)
    const orchestrator = started({ only: 'orchestrator', url: null }).text
    expect(orchestrator).toContain('works on jobs and deliveries, and receives nothing')
    expect(orchestrator).not.toMatch(/^(webhooks|api|jobs) /m)
  })

  test.each([
    ['token', 'open to the bearer of SIGNALBOX_API_TOKEN'],
    ['loopback', 'open to this machine only'],
    ['closed', 'closed: set SIGNALBOX_API_TOKEN'],
  ] as const)('says of an API that is %s: %s', (access, sentence) => {
    expect(started({ access }).text).toMatch(new RegExp(`^api +${sentence}`, 'm'))
  })
})
