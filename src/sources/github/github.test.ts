import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { githubHeaders } from '../../../test/fixtures/signed.ts'
import { codeOf } from '../../../test/refusal.ts'
import type { Facts } from '../../events/facts.ts'
import { isContradicted } from './event-of.ts'
import { github } from './github.ts'

const now = new Date('2026-01-01T00:00:00Z')
const keys = { secret: 'a-secret-of-32-characters-or-so!', token: '', now }
const source = github({ secrets: [keys.secret] })

function request(payload: unknown, changes: Record<string, string | undefined> = {}) {
  const body = Buffer.isBuffer(payload) ? payload : Buffer.from(JSON.stringify(payload))
  return { body, headers: new Headers(githubHeaders(body, keys, changes)) }
}

/** What becomes of a request whose headers are these, whatever else is needed being there. */
function verify(of: typeof source, body: Uint8Array, headers: Headers) {
  return codeOf(() => of.verify(of.open(headers), body, now))
}

function read({ body, headers }: ReturnType<typeof request>) {
  return source.normalise(source.open(headers), body)
}

describe('the signature', () => {
  test('of any body under the secret is accepted, whatever else is in the list of secrets', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.array(fc.string()), fc.array(fc.string()), (bytes, before, after) => {
        const rotating = github({ secrets: [...before, keys.secret, ...after] })
        const { body, headers } = request(Buffer.from(bytes))
        expect(verify(rotating, body, headers)).toBe('accepted')
      }),
    )
  })

  test('is refused when any one bit of the body has changed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), fc.nat(), fc.nat({ max: 7 }), (bytes, place, bit) => {
        const { body, headers } = request(Buffer.from(bytes))
        const changed = Buffer.from(body)
        changed[place % body.length]! ^= 1 << bit
        expect(verify(source, changed, headers)).toBe('signature_invalid')
      }),
    )
  })

  test('is refused when any one of its digits has changed', () => {
    const { body, headers } = request({ a: 1 })
    const right = headers.get('x-hub-signature-256')!
    for (let at = 0; at < right.length; at++) {
      const digit = right[at] === '0' ? '1' : '0'
      const wrong = new Headers(headers)
      wrong.set('x-hub-signature-256', right.slice(0, at) + digit + right.slice(at + 1))
      expect(verify(source, body, wrong)).toBe('signature_invalid')
    }
  })

  test('of anything else is refused, and nothing but an expected error is thrown', () => {
    const { body, headers } = request({ a: 1 })
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', minLength: 1 }),
        fc.constantFrom('', 'sha256=', 'sha1='),
        (text, prefix) => {
          const wrong = {
            get: (name: string) => (name.toLowerCase() === 'x-hub-signature-256' ? prefix + text : headers.get(name)),
          }
          expect(codeOf(() => source.verify(source.open(wrong), body, now))).toBe('signature_invalid')
        },
      ),
    )
  })

  test('example of GitHub itself is right', () => {
    // https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
    const documented = github({ secrets: ["It's a Secret to Everybody"] })
    const signature = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17'
    const { headers } = request({}, { 'x-hub-signature-256': signature })
    expect(verify(documented, Buffer.from('Hello, World!'), headers)).toBe('accepted')
  })
})

test('without a secret nothing is accepted, an empty secret being none', () => {
  const closed = github({ secrets: ['', ''] })
  expect(closed.secrets).toEqual([])
  const { body, headers } = request({})
  expect(verify(closed, body, headers)).toBe('source_closed')
})

test('a missing header is named', () => {
  for (const name of ['X-GitHub-Event', 'X-GitHub-Delivery', 'x-hub-signature-256']) {
    const { headers } = request({}, { [name.toLowerCase()]: undefined })
    expect(() => source.open(headers)).toThrow(`${name}: the header is missing or empty.`)
  }
})

test('it names an event after GitHub, with the action if there is one, and keeps the delivery id', () => {
  const sent = (event: string, payload: unknown) =>
    read(request(payload, { 'x-github-event': event, 'x-github-delivery': 'd-1' }))
  expect(sent('push', { ref: 'refs/heads/main' })).toMatchObject({ type: 'push', deliveryId: 'd-1' })
  expect(sent('issues', { action: 'labeled', issue: {} }).type).toBe('issues.labeled')
  expect(sent('ping', { zen: 'Keep it simple.' }).type).toBe('ping')
})

test('its event header, which is not signed, cannot make it one of the program itself', () => {
  const sent = (event: string, action: string) => read(request({ action }, { 'x-github-event': event })).type
  expect(sent('environment', 'deployed')).toBe('github.environment.deployed')
  expect(sent('job', 'completed')).toBe('github.job.completed')
  expect(sent('manual', '')).toBe('github.manual')
})

test('only of a form the payload is something else than the body', () => {
  const payload = { ref: 'refs/heads/main', note: 'ü + & = %' }
  expect(read(request(payload))).not.toHaveProperty('payload')
  const form = Buffer.from(`payload=${encodeURIComponent(JSON.stringify(payload))}`)
  const sent = request(form, { 'content-type': 'application/x-www-form-urlencoded' })
  expect(read(sent)).toMatchObject({ payload, facts: { branch: 'main' } })
})

test('a pull request is reported with its event, and with no other', () => {
  const pull = {
    number: 7,
    html_url: 'https://github.com/acme/bot/pull/7',
    state: 'open',
    updated_at: '2026-01-01T00:00:00Z',
    head: { ref: 'work', repo: { full_name: 'acme/bot' } },
    base: { repo: { full_name: 'acme/bot' } },
  }
  const sent = (event: string) => read(request({ action: 'opened', pull_request: pull }, { 'x-github-event': event }))
  expect(sent('pull_request').pullRequest).toMatchObject({ repository: 'acme/bot', number: 7, state: 'open' })
  expect(sent('pull_request_review')).not.toHaveProperty('pullRequest')
})

const sha = '6113728f27ae82c7b1a177c8d03f9e96e0adf246'
const repository = { full_name: 'acme/shop' }
const user = { login: 'mona' }
const cases: [event: string, payload: object, subject: string | null, facts: Facts][] = [
  [
    'push',
    {
      ref: 'refs/heads/feature/x',
      after: sha,
      repository,
      pusher: { name: 'mona' },
      head_commit: { author: { username: 'spoofed' } },
    },
    'acme/shop@feature/x',
    { repository: 'acme/shop', branch: 'feature/x', sha, author: 'mona' },
  ],
  [
    'push',
    { ref: 'refs/tags/v1.2', after: sha, created: true, repository, head_commit: { author: { username: 'hubot' } } },
    'acme/shop@v1.2',
    { repository: 'acme/shop', tag: 'v1.2', sha, author: 'hubot', action: 'created' },
  ],
  [
    'push',
    { ref: 'refs/heads/old', after: '0'.repeat(40), deleted: true, repository },
    'acme/shop@old',
    { repository: 'acme/shop', branch: 'old', action: 'deleted' },
  ],
  ['create', { ref: 'v1', ref_type: 'tag', repository }, 'acme/shop@v1', { repository: 'acme/shop', tag: 'v1' }],
  [
    'delete',
    { ref: 'dev', ref_type: 'branch', repository },
    'acme/shop@dev',
    { repository: 'acme/shop', branch: 'dev' },
  ],
  [
    'issues',
    {
      action: 'labeled',
      label: { name: 'agent-task' },
      issue: { number: 12, user, labels: [{ name: 'bug' }, { name: 'agent-task' }] },
      repository,
    },
    'acme/shop#12',
    {
      repository: 'acme/shop',
      action: 'labeled',
      label: 'agent-task',
      labels: ['bug', 'agent-task'],
      number: 12,
      author: 'mona',
      textAuthor: 'mona',
    },
  ],
  [
    'pull_request',
    {
      action: 'opened',
      pull_request: { number: 7, user, labels: [], base: { ref: 'main' }, head: { ref: 'x', sha } },
      repository,
    },
    'acme/shop#7',
    {
      ...{ repository: 'acme/shop', action: 'opened', number: 7, author: 'mona', branch: 'main', sha },
      ...{ textAuthor: 'mona', isPullRequest: true },
    },
  ],
  [
    'release',
    { action: 'published', release: { tag_name: 'v2', target_commitish: 'main', author: user }, repository },
    'acme/shop@v2',
    { repository: 'acme/shop', action: 'published', tag: 'v2', author: 'mona' },
  ],
  [
    'workflow_run',
    { action: 'completed', workflow_run: { head_branch: 'main', head_sha: sha }, repository },
    'acme/shop@main',
    { repository: 'acme/shop', action: 'completed', branch: 'main', sha },
  ],
  [
    'check_run',
    { action: 'created', check_run: { head_sha: sha, check_suite: { head_branch: null } }, repository },
    'acme/shop@6113728f27ae',
    { repository: 'acme/shop', action: 'created', sha },
  ],
  [
    'deployment_status',
    {
      deployment: { ref: sha, sha, environment: 'production', creator: user },
      deployment_status: { environment: 'Production' },
      repository,
    },
    'acme/shop@6113728f27ae',
    { repository: 'acme/shop', sha, environment: 'Production', author: 'mona' },
  ],
  [
    'status',
    { sha, branches: [{ name: 'a' }, { name: 'b' }], repository },
    'acme/shop@6113728f27ae',
    { repository: 'acme/shop', sha },
  ],
  [
    'merge_group',
    { action: 'checks_requested', merge_group: { base_ref: 'refs/heads/main', head_sha: sha }, repository },
    'acme/shop@main',
    { repository: 'acme/shop', action: 'checks_requested', branch: 'main', sha },
  ],
  ['organization', { action: 'renamed', organization: { login: 'acme' } }, 'acme', { action: 'renamed' }],
  ['installation', { action: 'created', installation: { account: { login: 'acme' } } }, 'acme', { action: 'created' }],
  ['star', { action: 'created', repository }, 'acme/shop', { repository: 'acme/shop', action: 'created' }],
  ['meta', {}, null, {}],
]

test.each(cases)('the facts of %s %j', (event, payload, subject, facts) => {
  const sent = read(request({ ...payload, sender: { login: 'hubot' } }, { 'x-github-event': event }))
  expect(sent).toMatchObject({ subject, actor: 'hubot', facts })
  expect(sent.facts).toEqual({ ...facts, sender: 'hubot' })
})

test('whatever the JSON, normalising returns an event whose texts a database can hold, or body_invalid', () => {
  const events = [
    'push',
    'create',
    'issues',
    'pull_request',
    'release',
    'status',
    'deployment_status',
    'check_run',
    'merge_group',
    'brand_new',
  ]
  const leaf = fc.oneof(
    fc.jsonValue({ stringUnit: 'binary', maxDepth: 1 }),
    fc.constantFrom('refs/heads/\u0000', 'refs/tags/\ud800', 'x'.repeat(5000)),
  )
  const names = [
    'ref',
    'ref_type',
    'after',
    'action',
    'sender',
    'login',
    'repository',
    'full_name',
    'issue',
    'labels',
    'name',
    'number',
    'pull_request',
    'base',
    'head',
    'user',
    'branches',
    'deployment',
    'environment',
    'label',
  ]
  const branch = fc.dictionary(fc.constantFrom(...names), leaf, { maxKeys: 5 })
  const payload = fc.dictionary(fc.constantFrom(...names), fc.oneof(leaf, branch, fc.array(branch, { maxLength: 2 })))
  fc.assert(
    fc.property(payload, fc.constantFrom(...events), (value, event) => {
      fc.pre(!isContradicted(event, value))
      const { type, subject, actor, facts } = read(request(value, { 'x-github-event': event }))
      for (const text of [type, subject ?? '', actor ?? '', ...Object.values(facts).flat().map(String)]) {
        expect(text).not.toContain('\u0000')
        expect(text.isWellFormed()).toBe(true)
        expect(text.length).toBeLessThanOrEqual(600)
      }
    }),
  )
})

test('who did it, whose thing it is, and who wrote the text are three facts', () => {
  const issue = { number: 12, user: { login: 'mona' }, author_association: 'OWNER', pull_request: {} }
  const comment = { user: { login: 'mallory' }, author_association: 'NONE', body: 'Hi' }
  const payload = { action: 'edited', issue, comment, repository, sender: { login: 'jane', type: 'User' } }
  expect(read(request(payload, { 'x-github-event': 'issue_comment' })).facts).toMatchObject({
    ...{ author: 'mona', sender: 'jane', senderType: 'User' },
    ...{ textAuthor: 'mallory', association: 'NONE', isPullRequest: true },
  })
})

test('a pull request says whether it is from a fork, also when that is gone', () => {
  const base = { ref: 'main', repo: repository }
  const fromFork = (repo: unknown) =>
    read(
      request(
        { action: 'opened', pull_request: { number: 7, head: { ref: 'x', repo }, base }, repository },
        { 'x-github-event': 'pull_request' },
      ),
    ).facts.fromFork
  expect([{ full_name: 'mallory/shop' }, null, repository].map(fromFork)).toEqual([true, true, false])
})

test('a new text gives its command with its words, and an edited or quoted one gives none', () => {
  const given = (action: string, body: string, event = 'issue_comment') =>
    read(request({ action, issue: { number: 1 }, comment: { body }, repository }, { 'x-github-event': event })).facts
  expect(given('created', 'Hi\n/Deploy staging --max 5')).toMatchObject({
    command: 'deploy',
    arguments: ['staging', '--max', '5'],
  })
  for (const facts of [given('edited', '/deploy'), given('deleted', '/deploy'), given('created', '> /deploy')]) {
    expect(facts).not.toHaveProperty('command')
    expect(facts).not.toHaveProperty('arguments')
  }
})

describe('a request that GitHub’s API shows later', () => {
  const payload = JSON.stringify({ action: 'opened', issue: { number: 7 }, repository, large: 1 })
  const restore = (headers: Record<string, string>) => {
    const kept = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
    const restored = source.restore?.({ headers: { get: (name) => kept.get(name.toLowerCase()) ?? null }, payload })
    if (restored === undefined) throw new Error('GitHub’s can be restored')
    return restored
  }

  test('has the bytes that were signed, if they can be made again', () => {
    const signed = githubHeaders(Buffer.from(payload), keys, { 'x-github-event': 'issues' })
    const headers = Object.fromEntries(signed)
    const { body, headers: kept, normalised } = restore(headers)
    expect(Buffer.from(body).toString()).toBe(payload)
    expect(() => source.verify(source.open(kept), body, now)).not.toThrow()
    expect(normalised).toMatchObject({ type: 'issues.opened', subject: 'acme/shop#7' })
    // So that the same one, should it still arrive under another id, is a repeat.
    expect(normalised.bodyKey).toBe(source.normalise(source.open(kept), body).bodyKey)
  })

  test('also those of a form', () => {
    const form = Buffer.from(new URLSearchParams({ payload }).toString())
    const {
      body,
      headers: kept,
      normalised,
    } = restore(Object.fromEntries(githubHeaders(form, keys, { 'x-github-event': 'issues' })))
    expect(Buffer.from(body)).toEqual(form)
    expect(kept.get('Content-Type')).toBe('application/x-www-form-urlencoded')
    expect(normalised.payload).toEqual(JSON.parse(payload))
  })

  test('keeps no signature that is not true for what is stored', () => {
    const signed = githubHeaders(Buffer.from(`${payload} `), keys, { 'x-github-event': 'issues' })
    const { body, headers: kept, normalised } = restore(Object.fromEntries(signed))
    expect([Buffer.from(body).toString(), kept.get('X-Hub-Signature-256')]).toEqual([payload, null])
    expect(normalised.bodyKey).toHaveLength(32)
  })

  test('needs no signature, which a webhook without a secret does not have', () => {
    const { normalised } = restore({ 'X-GitHub-Event': 'issues', 'X-GitHub-Delivery': 'a' })
    // The key that it would have if it had come with a signature, too.
    const signed = githubHeaders(Buffer.from(payload), keys, { 'x-github-event': 'issues' })
    const { bodyKey } = source.normalise(source.open(new Headers(signed)), Buffer.from(payload))
    expect([normalised.deliveryId, normalised.bodyKey]).toEqual(['a', bodyKey])
    expect(() => restore({ 'X-GitHub-Event': 'push', 'X-GitHub-Delivery': 'a' })).toThrow(/not one of push/)
  })
})
