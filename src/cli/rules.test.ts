// What is configured, on a server and in a folder: rules, sources, agents; and why a rule matches.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestSignalbox } from '../../test/signalbox.ts'
import { openTestSignalbox } from '../../test/signalbox.ts'
import { call, cliOf } from '../../test/terminal.ts'
import { answerGone } from '../endpoints/fixtures/gone.ts'
import type { Rule } from '../rules/rule.ts'

const CONFIG = `export default {
  rules: [
    { name: 'main', on: ['push', 'release.*'], when: { branch: 'main' }, agent: 'ping', priority: 9, source: 'github' },
    { name: 'tags', on: 'push', when: { tag: ['v*', '版本 🚀'] }, agent: 'ping' },
  ],
}`

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-cli-'))
  await writeFile(join(folder, 'signalbox.config.ts'), CONFIG)
  await writeFile(join(folder, 'push.json'), '{"ref":"refs/heads/main","before":"0","after":"1"}')
  await writeFile(join(folder, 'unknown.json'), '{"hello":1}')
  await writeFile(join(folder, 'wrong.config.ts'), `export default { rules: [{ name: 'x' }] }`)
})
afterAll(() => rm(folder, { recursive: true }))

describe('rules ls', () => {
  test('shows the rules in order', async () => {
    const { code, out } = await call(['rules', 'ls', '--local'], { folder })
    expect(code).toBe(0)
    expect(out.split('\n')).toEqual([
      'NAME  ON               COMMAND  FROM    AGENT  PRIORITY  WHO  WRITES  WHEN',
      'main  push, release.*           github  ping   9         any          {"branch":"main"}',
      'tags  push                      any     ping   5         any          {"tag":["v*","版本 🚀"]}',
      '',
      'The rules of signalbox.config.ts.',
      '',
    ])
  })

  test('shows commands, who may trigger a rule, and what it may write', async () => {
    await writeFile(
      join(folder, 'trust.config.ts'),
      `export default { rules: [
        { name: 'review', on: 'command', command: { name: 'review' }, agent: 'ping', who: { permission: 'maintain', bots: ['renovate[bot]'] },
          outputs: { comment: {}, labels: { max: 2 } }, repositories: ['acme/*'], staged: true },
        { name: 'triage', on: 'issues.{opened,edited}', agent: 'ping' },
        { name: 'open', on: '*', who: 'anyone', agent: 'ping' },
      ] }`,
    )
    const { out } = await call(['rules', 'ls', '--config', 'trust.config.ts'], { folder })
    expect(out).toMatch(
      /^review +command +\/review +any +ping +5 +permission maintain, bots renovate\[bot\] +comment, labels; to acme\/\*; staged +always$/m,
    )
    expect(out).toMatch(/^triage +issues\.\{opened,edited\} +any +ping +5 +permission write +always$/m)
    expect(out).toMatch(/^open +\* +any +ping +5 +anyone +always$/m)
    const { out: json } = await call(['rules', 'ls', '--config', 'trust.config.ts', '--json'], { folder })
    expect(JSON.parse(json).items.slice(0, 2)).toMatchObject([
      { outputs: { comment: {}, labels: { max: 2 } }, repositories: ['acme/*'], staged: true },
      { who: { permission: 'write' }, outputs: null, repositories: null, staged: false },
    ])
  })

  test('names events that no source sends, with the nearest that one does', async () => {
    await writeFile(
      join(folder, 'misspelt.config.ts'),
      `export default { rules: [{ name: 'a', on: ['pshu', 'issues.*', 'isues.*'], agent: 'ping' }] }`,
    )
    const { code, out, err } = await call(['rules', 'ls', '--config', 'misspelt.config.ts', '--json'], { folder })
    expect({ code, items: JSON.parse(out).items.length }).toEqual({ code: 0, items: 1 })
    expect(err.split('\n')).toEqual([
      'signalbox: rules[0] "a": on: no known event is called "pshu"; did you mean "push"?',
      'signalbox: rules[0] "a": on: no known event matches "isues.*"; did you mean "issues.*"?',
      '',
    ])
  })

  test('prints with --json what the API answers', async () => {
    const { out } = await call(['rules', 'ls', '--local', '--json'], { folder })
    expect(JSON.parse(out)).toMatchObject({
      items: [
        { name: 'main', on: ['push', 'release.*'], priority: 9, max_attempts: 5, job_type: 'ping' },
        { name: 'tags', source: null },
      ],
      next: null,
    })
  })

  test('shows the default rules where there is no configuration, and names a wrong one', async () => {
    expect((await call(['rules', 'ls', '--local'], { folder: tmpdir() })).out).toContain('deployment-pr')
    const { code, err } = await call(['rules', 'ls', '--config', 'wrong.config.ts'], { folder })
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('The configuration is not valid.') })
    expect(await call(['rules', 'ls', '--config', 'none.ts'], { folder })).toMatchObject({
      code: 1,
      err: expect.stringContaining('none.ts'),
    })
  })
})

describe('rules explain', () => {
  test('explains a file by the rules of this folder', async () => {
    const { out } = await call(['rules', 'explain', 'push.json'], { folder })
    expect(out).toMatch(/^event +push from github\nfacts +\{"branch":"main"/)
    expect(out).toMatch(/^rules of +signalbox\.config\.ts$/m)
    expect(out).toMatch(/^✓ rule main: "main" matches: /m)
    expect(out).toMatch(/^✗ rule tags: .*the event has no tag, wanted v\*/m)
  })

  test('takes the source and the event from the command where the file does not show them', async () => {
    const other = await call(['rules', 'explain', 'push.json', '--source', 'gitea', '--json'], { folder })
    expect(JSON.parse(other.out)).toMatchObject({ event: { source: 'gitea' }, rules: [{ matched: false }, {}] })
    expect(await call(['rules', 'explain', 'unknown.json'], { folder })).toMatchObject({
      code: 1,
      err: expect.stringContaining('--github-event pull_request'),
    })
    const named = await call(['rules', 'explain', 'unknown.json', '--github-event', 'release'], { folder })
    expect(named.out).toMatch(/^event +release/)
  })

  test('says that there are no rules', async () => {
    await writeFile(join(folder, 'empty.config.ts'), 'export default { rules: [] }')
    const args = ['rules', 'explain', 'push.json', '--config', 'empty.config.ts']
    expect((await call(args, { folder })).out).toMatch(/\n\nThere are no rules\.\n$/)
    expect((await call(['rules', 'ls', '--config', 'empty.config.ts'], { folder })).out).toBe(
      'There are no rules.\n\nThe rules of empty.config.ts.\n',
    )
  })

  describe('of a recorded event', () => {
    let signalbox: TestSignalbox
    beforeAll(async () => {
      const env = { GITHUB_TOKEN: 'a-token', GITHUB_REPO: 'acme/prompts' }
      signalbox = await openTestSignalbox({ env, roles: { receiver: true, orchestrator: false } })
    })
    afterAll(() => signalbox.close())

    test('asks the server, for endpoints too', async () => {
      const cli = cliOf(signalbox)
      await cli.ask(['endpoints', 'add', '--url', 'https://example.com', '--name', 'hook'])
      const args = ['deploy', '--app', 'bot', '--env', 'production', '--config', '-', '--no-wait']
      const { event_id } = await cli.json<{ event_id: string }>(args, { readInput: async () => '{}' })
      const { out } = await cli.ask(['rules', 'explain', event_id])
      expect(out).toMatch(/^✓ rule deployment-pr: .* matches/m)
      expect(out).toMatch(/^✓ endpoint hook: /m)
    })

    test('names an endpoint that is paused, since when and why', async () => {
      const cli = cliOf(signalbox)
      const { id } = await cli.json<{ id: string }>([
        'endpoints',
        'add',
        '--url',
        'https://example.com',
        '--name',
        'left',
      ])
      await answerGone(signalbox.database, id)
      const deploy = ['deploy', '--app', 'a', '--env', 'production', '--config', '-', '--no-wait', '--json']
      const deployed = await cli.ask(deploy, { readInput: async () => '{}' })
      const { event_id } = JSON.parse(deployed.out)
      const { out } = await cli.ask(['rules', 'explain', event_id])
      expect(out).toMatch(
        /^✓ endpoint left: Notified once it is active again; it is paused since \S+Z \(It answered 410 Gone\): /m,
      )
    })
  })
})

test('a default rule that is off makes no job, and the event, explain, deploy and ls say what to set', async () => {
  const signalbox = await openTestSignalbox({ roles: { receiver: true, orchestrator: false } })
  const cli = cliOf(signalbox)
  const set = 'set GITHUB_TOKEN, or GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY; and set GITHUB_REPO'
  expect((await cli.ask(['rules', 'ls'])).out).toContain(`deployment-pr is off: ${set}`)
  expect((await call(['rules', 'ls', '--local'], { folder: tmpdir() })).out).toContain(`deployment-pr is off: ${set}`)
  const deploy = ['deploy', '--app', 'bot', '--env', 'production', '--config', '-', '--wait']
  const deployed = await cli.ask([...deploy, '--json'], { readInput: async () => '{}' })
  const { event_id } = JSON.parse(deployed.out)
  const { rows } = await signalbox.database.query('select status, reason from signalbox.events where id = $1', [
    event_id,
  ])
  expect(rows).toEqual([{ status: 'ignored', reason: `rule "deployment-pr" is off: ${set}; no endpoint asked for it` }])
  const sentence = `Off (${set}), so it makes no job. "deployment-pr" matches: `
  expect((await cli.ask(['rules', 'explain', event_id])).out).toContain(`✗ rule deployment-pr: ${sentence}`)
  const again = await cli.ask(deploy, { readInput: async () => '{"a":1}' })
  expect(again.out).toContain(`No pull request: ${sentence}`)
  expect(await signalbox.count('signalbox.jobs')).toBe(0)
  await signalbox.close()
})

test('rules are paused and resumed by name, and ls and explain say so', async () => {
  const rules: Rule[] = [{ name: 'team/on-push', on: 'environment.deployed', agent: 'ping' }]
  const signalbox = await openTestSignalbox({ roles: { receiver: true, orchestrator: false }, config: { rules } })
  const cli = cliOf(signalbox)
  const paused = await cli.ask(['rules', 'pause', 'team/on-push', '--reason', 'frozen'])
  expect(paused.out).toMatch(/^team\/on-push is paused since \S+Z: frozen To let it go on: signalbox rules resume /)
  expect((await cli.ask(['rules', 'ls'])).out).toContain(paused.out)
  const deploy = ['deploy', '--app', 'bot', '--env', 'production', '--config', '-', '--no-wait']
  const { event_id } = await cli.json<{ event_id: string }>(deploy, { readInput: async () => '{}' })
  expect((await cli.ask(['rules', 'explain', event_id])).out).toMatch(
    /^✗ rule team\/on-push: Paused since \S+Z \(frozen\), so it makes no job\. "team\/on-push" matches: /m,
  )
  expect((await cli.ask(['rules', 'resume', 'team/on-push'])).out).toBe('The rule team/on-push makes jobs again.\n')
  expect((await cli.ask(['rules', 'ls'])).out).not.toContain('paused')
  expect(await cli.ask(['rules', 'pause', 'nothing'])).toMatchObject({
    code: 1,
    err: expect.stringContaining('There is no rule'),
  })
  await signalbox.close()
})

describe('what a server has', () => {
  let signalbox: TestSignalbox
  beforeAll(async () => {
    signalbox = await openTestSignalbox({
      roles: { receiver: true, orchestrator: false },
      env: { AGENTA_WEBHOOK_SECRET: '' },
      config: { rules: [{ name: 'of-the-server', on: 'push', agent: 'ping' }] },
    })
  })
  afterAll(() => signalbox.close())

  test.each([
    [['rules', 'ls'], /^of-the-server +push/m, 'rules'],
    [['agents', 'ls'], /^ping /m, 'agents'],
    [['sources'], /^agenta +\/webhook\/agenta +closed +0 +set AGENTA_WEBHOOK_SECRET$/m, 'sources'],
  ])('%j shows, whatever the folder says, and whose it is', async (args, expected, noun) => {
    const { out } = await cliOf(signalbox).ask(args, { folder })
    expect(out).toMatch(expected)
    expect(out).not.toContain('tags')
    expect(out).toMatch(new RegExp(`\n\nThe ${noun} of the server ${signalbox.url}\\.\n$`))
    const local = await cliOf(signalbox).ask([...args, '--local'], { folder })
    expect(local.out).toContain(`The ${noun} of signalbox.config.ts.`)
  })

  test.each([[['rules', 'ls']], [['agents', 'ls']], [['sources']]])(
    '%j says without one that the folder can be read',
    async (args) => {
      const { code, err } = await call(args, { folder, env: { SIGNALBOX_URL: 'http://127.0.0.1:9' } })
      expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('add --local') })
      const both = await call([...args, '--local', '--server', 'http://127.0.0.1:9'], { folder })
      expect(both.code).toBe(2)
    },
  )
})

describe('sources', () => {
  test('are shown with what opens a closed one, secrets by their number', async () => {
    const env = { GITHUB_WEBHOOK_SECRET: 'the-first-secret-of-github,the-second-secret-of-github' }
    const { out } = await call(['sources', '--local'], { env })
    expect(out).toMatch(/github +\/webhook\/github +open +2\n/)
    expect(out).toMatch(/agenta +\/webhook\/agenta +closed +0 +set AGENTA_WEBHOOK_SECRET/)
    const json = await call(['sources', '--local', '--json'], { env })
    expect(JSON.parse(json.out).items).toContainEqual({
      name: 'github',
      path: '/webhook/github',
      status: 'open',
      secrets: 2,
      paused: null,
      hint: null,
    })
    expect(`${out}${json.out}`).not.toContain('the-first')
  })
})

describe('agents', () => {
  test('are shown with what they do, cut to the terminal', async () => {
    const { out } = await call(['agents', 'ls', '--local'], { columns: 50 })
    expect(out).toMatch(/^NAME +DOES\n/)
    expect(out).toMatch(/^ping /m)
    const [lines = ''] = out.split('\n\n')
    for (const line of lines.split('\n')) expect(line.length).toBeLessThanOrEqual(50)
    expect(JSON.parse((await call(['agents', 'ls', '--local', '--json'])).out).items).toContainEqual({
      name: 'ping',
      job_types: [],
      description: expect.any(String),
    })
  })
})

test('a secret is 32 bytes and never the same', async () => {
  const made = await Promise.all([call(['secret', 'generate']), call(['secret', 'generate'])])
  expect(new Set(made.map(({ out }) => out)).size).toBe(2)
  for (const { out } of made) expect(Buffer.from(out.trim(), 'base64url')).toHaveLength(32)
  expect(JSON.parse((await call(['secret', 'generate', '--json'])).out)).toEqual({
    secret: expect.stringMatching(/^[\w-]{43}$/),
  })
})
