import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { DeploymentEvent } from '../../descriptions/deployment-event.ts'
import { deploymentEvent, readChanges } from '../../descriptions/deployment-event.ts'
import { DEPLOYMENT_BRANCH } from '../../lib/deployment-key.ts'
import { parseOutputs } from '../../publisher/output.ts'
import type { PullRequestOutput } from '../../publisher/pull-request-output.ts'
import { deploymentPullRequest as pullRequestOf } from './deployment-pull-request.ts'
import { branchName, safePart } from './names.ts'
import type { DeploymentPrOptions } from './options.ts'
import { repositoryOf } from './options.ts'
import { redactedEvent } from './redacted-event.ts'

function fixture(name: string) {
  return readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8')
}
const deployed = deploymentEvent.parse(JSON.parse(fixture('deployed-event.json')))
const hostile = deploymentEvent.parse(JSON.parse(fixture('hostile-payload.json')))
const options = { repository: 'your-org/your-repo' }
function deploymentPullRequest(event: DeploymentEvent, given: DeploymentPrOptions & { repository: string }) {
  return pullRequestOf(redactedEvent(event), given)
}
function contentOf({ changes: [change] }: PullRequestOutput) {
  return change !== undefined && 'content' in change ? change.content : undefined
}
function withData(data: Partial<DeploymentEvent['data']>): DeploymentEvent {
  return {
    ...deployed,
    data: { ...deployed.data, ...data },
  }
}

test('the documented example of a deployment makes the documented pull request, to the byte', () => {
  const output = deploymentPullRequest(deployed, options)
  expect(`${output.body}\n`).toBe(fixture('deployed-body.md'))
  expect(output).toMatchObject({
    branch: 'agenta/deploy-customer-support-bot-1234567890',
    title: '🤖 Deploy customer-support-bot to production',
    commitMessage: 'Deploy v2-optimized to production',
    labels: ['agenta-deployment', 'production'],
    key: 'deployment=project_abc/deploy_1234567890',
    series: 'deploy:project_abc:customer-support-bot:production',
    order: Date.UTC(2025, 10, 20, 10, 30),
    onOpenPullRequest: 'update',
  })
  expect(output.changes.map(({ path }) => path)).toEqual(['deployments/customer-support-bot/production.json'])
})

test('a note says who deployed what, why, and what changed', () => {
  const config_diff = {
    modified: { temperature: { old: 0.7, new: 0.5 }, prompt: { old: 'x'.repeat(900), new: 'y\nz' } },
  }
  const { note } = deploymentPullRequest(withData({ config_diff, commit_message: 'Lower it\n\n@all' }), options)
  expect(note).toBe(
    [
      '**v2-optimized** by jane@company.com, 2025-11-20 10:30:00 UTC',
      '> Lower it',
      '> `＠all`',
      '',
      '- **temperature**: `0.7` → `0.5` (modified)',
      '- **prompt** (modified)',
    ].join('\n'),
  )
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`key-${at}`, at]))
  const long = deploymentPullRequest(withData({ config_diff: { added: many } }), options).note ?? ''
  expect(long).toMatch(/\n- \d+ more$/)
  expect(long.length).toBeLessThanOrEqual(2000)
})

test('deployments of the same second are ordered by their sequence, those of others by their time', () => {
  const orderOf = (timestamp: string, sequence?: number) =>
    deploymentPullRequest({ ...withData({ sequence }), timestamp }, options).order ?? Number.NaN
  const orders = [
    orderOf('2025-11-20T10:30:00Z', 9),
    orderOf('2025-11-20T10:30:00Z', 10),
    orderOf('2025-11-20T10:30:00Z', 999_999),
    orderOf('2025-11-20T10:30:01Z', 1),
    orderOf('2025-11-20T10:30:01.5Z'),
  ]
  expect(orders).toEqual(orders.toSorted((a, b) => a - b))
  expect(new Set(orders)).toHaveProperty('size', 5)
  expect(orderOf('not a time', 1)).toBeNaN()
})

test('the committed file has sorted keys, two spaces and a newline at its end', async () => {
  const event = withData({ config: { z: 1, a: { d: [2, 1], c: null } }, config_sha256: 'abc' })
  await expect(contentOf(deploymentPullRequest(event, options))).toMatchFileSnapshot('fixtures/deployed-file.json')
})

test('a hostile deployment makes an inert body and file', async () => {
  const output = deploymentPullRequest(hostile, options)
  await expect(`${output.body}\n`).toMatchFileSnapshot('fixtures/hostile-body.md')
  await expect(contentOf(output)).toMatchFileSnapshot('fixtures/hostile-file.json')
  const { body, changes, ...rest } = output
  await expect(`${JSON.stringify({ ...rest, path: changes[0]?.path }, null, 2)}\n`).toMatchFileSnapshot(
    'fixtures/hostile-output.json',
  )
  const everything = JSON.stringify(output)
  expect(everything).not.toMatch(/plain-secret-value|ghp_abc|sk-proj-abc|Bearer abc/)
  expect(everything).not.toMatch(/[\u200b-\u200f\u202a-\u202e]/)
  expect(JSON.stringify({ ...rest, body })).not.toMatch(/(?:fixes|closes):? #\d|<!-- signalbox/i)
})

test('a name of spaces makes no empty label, and long ids that differ stay different', () => {
  const spaces = deploymentPullRequest(withData({ environment: ' ' }), options)
  expect(spaces.labels).toEqual(['agenta-deployment'])
  expect(parseOutputs([spaces])).toEqual([spaces])
  const [one, other] = ['1', '2'].map((end) =>
    deploymentPullRequest(withData({ deployment_id: 'x'.repeat(500) + end, app_name: 'y'.repeat(500) + end }), options),
  )
  expect(one?.key).not.toBe(other?.key)
  expect(one?.series).not.toBe(other?.series)
})

test('a late repeat of the event makes the same bytes', () => {
  const again = deploymentEvent.parse(JSON.parse(JSON.stringify(hostile)))
  expect(deploymentPullRequest(again, options)).toEqual(deploymentPullRequest(hostile, options))
})

test('no changes, no message, no revision and no names are said plainly', () => {
  const bare = withData({
    config_diff: { added: {}, modified: {}, removed: {} },
    commit_message: null,
    revision: null,
    variant_name: null,
    deployed_by: null,
  })
  const { body } = deploymentPullRequest(bare, options)
  expect(body).toContain('*No configuration changes detected*')
  expect(body).toContain('## Commit Message\n\n*No commit message*\n')
  expect(body).toContain('**Variant**: unknown\n**Deployed by**: unknown\n')
  expect(body).not.toMatch(/null|None|undefined/)
})

test('added and removed parameters have their own headings', () => {
  const { body } = deploymentPullRequest(
    withData({ config_diff: { added: { a: 1 }, modified: { b: { old: 1, new: 2 } }, removed: { c: true } } }),
    options,
  )
  expect(body).toContain(
    '## Changes\n\n### Modified Parameters\n\n- **b**: `1` → `2`\n\n### Added Parameters\n\n- **a**: `1`\n\n### Removed Parameters\n\n- **c**: `true`\n\n## Commit',
  )
})

test('a prompt of a megabyte makes a body under 60 kB that points to the whole', () => {
  const modified = Object.fromEntries(
    Array.from({ length: 10 }, (_, at) => [
      `prompt_${at}`,
      { old: 'one long line of it\n'.repeat(20_000), new: 'é🤖 another line\n'.repeat(20_000) },
    ]),
  )
  const event = withData({
    config_diff: { modified },
    config_url: 'https://signalbox.example/api/deployments/1/config',
  })
  const { body } = deploymentPullRequest(event, options)
  expect(Buffer.byteLength(body)).toBeLessThanOrEqual(60_000)
  expect(body).toContain('more lines')
  expect(body).toMatch(/\d more changes are too long to be shown here/)
  expect(body).toContain('[the whole configuration](<https://signalbox.example/api/deployments/1/config>)')
  expect(body).toContain('## Review Checklist')
})

test('a long message and endless names do not break the limit either', () => {
  const long = 'word `x` '.repeat(20_000)
  const event = withData({
    commit_message: `${long}\n`.repeat(20),
    app_name: long,
    variant_name: long,
    environment: long,
    deployment_id: long,
  })
  const output = deploymentPullRequest(event, options)
  expect(Buffer.byteLength(output.body)).toBeLessThan(65_000)
  expect(Buffer.byteLength(output.branch)).toBeLessThan(244)
  expect(parseOutputs([output])).toEqual([output])
})

test('a long message of many lines and of large characters leaves space for the changes and the checklist', () => {
  const { body } = deploymentPullRequest(withData({ commit_message: `${'🤖'.repeat(600)}\n`.repeat(60) }), options)
  expect(Buffer.byteLength(body)).toBeLessThanOrEqual(60_000)
  expect(body).toContain('- **temperature**: `0.7` → `0.5`')
  expect(body).toContain('more lines*')
  expect(body).toContain('## Review Checklist')
})

test('any JSON as config_diff makes a pull request', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (diff, part) => {
      for (const config_diff of [diff, { added: part, modified: diff, removed: part }]) {
        const { body } = deploymentPullRequest(withData({ config_diff, config: part }), options)
        expect(Buffer.byteLength(body)).toBeLessThanOrEqual(60_000)
      }
    }),
  )
  expect(readChanges('nonsense').unreadable).toBe(true)
  expect(readChanges({ added: [1] }).unreadable).toBe(true)
})

test('options change repository, base, path, title and labels', () => {
  const repositories = { 'customer-support-bot': 'acme/bots', __proto__: 'x/y' }
  const of = (app: string) => ({ app, project: null })
  expect(repositoryOf(of('customer-support-bot'), { repository: 'acme/all', repositories })).toBe('acme/bots')
  expect(repositoryOf(of('constructor'), { repository: 'acme/all', repositories })).toBe('acme/all')
  expect(repositoryOf(of('other'), { repositories })).toBeNull()
  const output = deploymentPullRequest(deployed, {
    repository: 'acme/bots',
    base: 'release',
    path: 'config/{environment}/{app}.json',
    title: '[{environment}] {app}: {variant}',
    labels: ['env:{environment}'],
    onOpenPullRequest: 'separate',
  })
  expect(output).toMatchObject({
    repository: 'acme/bots',
    base: 'release',
    title: '[production] customer-support-bot: v2-optimized',
    labels: ['env:production'],
    onOpenPullRequest: 'separate',
  })
  expect(output.changes[0]?.path).toBe('config/production/customer-support-bot.json')
})

test('git accepts every branch name, and different names stay different', () => {
  const odd = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('.', '/', '-', '@', '{', 'a', '.lock', ' ', '~', '\\', '*', '客') }),
  )
  const names = new Map<string, string>()
  fc.assert(
    fc.property(odd, odd, (app, id) => {
      const branch = branchName(DEPLOYMENT_BRANCH, { app, deployment_id: id })
      execFileSync('git', ['check-ref-format', '--branch', branch], { stdio: 'ignore' })
      expect(Buffer.byteLength(branch)).toBeLessThan(244)
      const part = safePart(app)
      expect(part).toMatch(/^[\p{L}\p{N}_][^/\\]*$/u)
      const normal = app.toWellFormed().normalize('NFC')
      expect(names.get(part) ?? normal).toBe(normal)
      names.set(part, normal)
    }),
    { numRuns: 50 },
  )
})

test('templates have the values of their place: one line, Markdown, or a safe part of a name', () => {
  const event = withData({
    sequence: 4,
    commit_message: 'Say [skip ci] @all\nmore',
    config_diff: { modified: { a: { old: 1, new: 2 } }, added: { b: 1, c: 1, d: 1 } },
  })
  const output = deploymentPullRequest(event, {
    ...options,
    title: '{app} #{sequence}: {message} ({changes}) by {deployed_by}',
    labels: ['{project}', 'r{revision}'],
    path: 'prompts/{project}/{app}.json',
    branch: 'agenta/{project}/{message}-{deployment_id}',
    body: '{app}: {message}\n\n{changes}\n\n{checklist}\n\n{deployments}\n\n{deployment_id} at {timestamp}',
  })
  expect(output).toMatchObject({
    title: 'customer-support-bot #4: Say (skip ci) ＠all (a, b, c, 1 more) by jane@company.com',
    labels: ['project_abc', 'r15'],
    changes: [{ path: 'prompts/project_abc/customer-support-bot.json' }],
    branch: expect.stringMatching(/^agenta\/project_abc\/Say-skip-ci-all-[0-9a-f]{8}-1234567890$/),
  })
  const [message, changes, checklist, table, end] = output.body
    .split(/\n\n(?=###|- \[|\||`?deploy_)/)
    .filter((part) => !/^### [AR]/.test(part))
  expect(message).toBe('customer-support-bot: > `Say ［skip ci] ＠all`\n> more')
  expect(changes).toContain('### Modified Parameters\n\n- **a**: `1` → `2`')
  expect(checklist).toMatch(/^- \[ \] Config changes reviewed\n/)
  expect(table).toContain('| 2025-11-20 10:30:00 UTC | v2-optimized (revision 15) | jane@company.com |')
  expect(end).toBe('deploy_1234567890 at 2025-11-20 10:30:00 UTC')
})

test('a value that looks like a template or a reference is not filled', () => {
  const event = withData({ commit_message: '{changes} {{outputs.this.files}}', variant_name: '{deployments}' })
  const { title, body } = deploymentPullRequest(event, { ...options, title: '{variant} {message}' })
  expect(title).toBe('{deployments} {changes} ｛｛outputs.this.files}}')
  expect(body).toContain('> `{changes} ｛｛outputs.this.files}}`')
  expect(body).toContain('**Variant**: `{deployments}` (revision 15)')
})
