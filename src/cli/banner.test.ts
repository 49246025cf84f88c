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
  metricsUrl?: string
  only?: 'receiver' | 'orchestrator'
  env?: Record<string, string>
  forge?: boolean
  access?: 'token' | 'closed'
  tokenFile?: string
  listening?: boolean
}) {
  const { mode = 'serve', url = 'http://127.0.0.1:8000', only, env = {}, forge = false, access = 'token' } = change
  const source = (name: string, secrets: string[]) => [name, { name, secrets }] as const
  const service = {
    url,
    metricsUrl: change.metricsUrl ?? null,
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
    tokenFile: change.tokenFile ?? null,
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
      forges: ['github'],
      repository: 'acme/shop',
      rules: 1,
      agents: 0,
      endpoints: 2,
    })
    expect(JSON.stringify(banner)).not.toContain('"one"')
  })

  test('says where webhooks go, and what opens a closed source', () => {
    const { text } = started({ env: { HOST: '127.0.0.1' } })
    expect(text).toMatch(/^Signalbox \S+ listens on http:\/\/127\.0\.0\.1:8000\n\n/)
    expect(text).toMatch(/^webhooks +POST http:\/\/127\.0\.0\.1:8000\/webhook\/github$/m)
    expect(text).toMatch(/^ +agenta is closed: set AGENTA_WEBHOOK_SECRET$/m)
    expect(text).toMatch(/^config +no signalbox\.config\.ts: the default rules \(1 rule, 0 agents, 2 endpoints\)$/m)
  })

  test('names the forges that can be written, or what sets one up', () => {
    const forges = (change: Parameters<typeof started>[0]) => /^forges +(.*)$/m.exec(started(change).text)?.[1]
    expect(forges({})).toMatch(/^none, so nothing can be written: set GITHUB_TOKEN, or GITHUB_APP_ID and /)
    expect(forges({ env: { GITHUB_APP_ID: '1' } })).toMatch(/: set GITHUB_APP_PRIVATE_KEY too: /)
    expect(forges({ forge: true })).toBe('github')
    const env = { GITHUB_REPO: 'acme/shop' }
    expect(forges({ forge: true, env })).toBe('github; deployments are documented in acme/shop')
  })

  test('shows the public address to senders, where there is one', () => {
    const { text } = started({ env: { SIGNALBOX_PUBLIC_URL: 'https://box.example.com' } })
    expect(text).toMatch(/^webhooks +POST https:\/\/box\.example\.com\/webhook\/github$/m)
    expect(text).toContain('listens on every address of this machine: http://127.0.0.1:8000')
  })

  test('has a command to begin with in development only, with the token where one is needed', () => {
    const commands = (tokenFile?: string) =>
      started({ mode: 'dev', ...(tokenFile && { tokenFile }) }).text.match(/^ {2}(curl|signalbox) .*$/gm)
    expect(commands('.signalbox/api-token')).toEqual([
      '  curl -X POST http://127.0.0.1:8000/webhook/manual',
      '  curl -H "Authorization: Bearer $(cat .signalbox/api-token)" http://127.0.0.1:8000/api/jobs',
    ])
    expect(commands("/home/o'neill/a b/api-token")?.[1]).toContain("$(cat '/home/o'\\''neill/a b/api-token')")
    // A shell has not what is in .env.
    expect(commands()?.[1]).toBe('  signalbox jobs ls')
    expect(started({ mode: 'serve' }).text).not.toContain('curl')
  })

  test('names the port for monitoring, where there is one', () => {
    const { text } = started({ only: 'orchestrator', url: null, metricsUrl: 'http://127.0.0.1:9465' })
    expect(text).toMatch(/^metrics +http:\/\/127\.0\.0\.1:9465\/metrics, and \/health, without a token$/m)
    expect(started({}).text).not.toMatch(/^metrics/m)
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
    ['closed', 'closed: set SIGNALBOX_API_TOKEN'],
  ] as const)('says of an API that is %s: %s', (access, sentence) => {
    expect(started({ access }).text).toMatch(new RegExp(`^api +${sentence}`, 'm'))
  })

  test('says where the token is that dev made', () => {
    expect(started({ tokenFile: '.signalbox/api-token' }).text).toMatch(/^api +open .* in \.signalbox\/api-token,/m)
  })
})
