// What comes from outside, in any form: it is read or refused, and nothing else happens.
import { createRequire } from 'node:module'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { retryAfterMs } from '../src/deliveries/retry.ts'
import { configDiff } from '../src/descriptions/config-diff.ts'
import { AppError, GiveUp } from '../src/lib/error.ts'
import { compileGlobs, LOGIN, NAME, PATH, REF, REPOSITORY } from '../src/lib/glob.ts'
import { readIdempotencyKey } from '../src/lib/idempotency-key.ts'
import type { JsonObject } from '../src/lib/json.ts'
import { MAX_JSON_DEPTH, parseJson } from '../src/lib/json-body.ts'
import { formatRepositoryRef, parseRepositoryRef } from '../src/lib/repository.ts'
import { parseOutputs } from '../src/publisher/output.ts'
import { requireAllowed } from '../src/publisher/refusal.ts'
import { explain } from '../src/rules/explain.ts'
import { groupKey } from '../src/rules/group.ts'
import { compileRules, matchRules } from '../src/rules/match.ts'
import { agenta } from '../src/sources/agenta/agenta.ts'
import { github } from '../src/sources/github/github.ts'
import type { Normalised, Source } from '../src/sources/source.ts'
import { standardWebhooks } from '../src/sources/standard-webhooks/standard-webhooks.ts'

const SECRETS = ['a-secret-of-32-characters-or-so!!']
const SOURCES: Source[] = [
  github({ secrets: SECRETS }),
  agenta({ secrets: SECRETS }),
  standardWebhooks({ name: 'shop', secrets: SECRETS }),
] as Source[]

type Example = { name: string; examples: JsonObject[] }
const EXAMPLES: Example[] = createRequire(import.meta.url)('@octokit/webhooks-examples')

/** What the function returns, or the expected error that it throws. */
function orError<T>(work: () => T): T | AppError | GiveUp {
  try {
    return work()
  } catch (error) {
    if (error instanceof AppError || error instanceof GiveUp) return error
    throw error
  }
}

const headerText = fc.oneof(
  fc.string({ unit: 'binary-ascii' }),
  fc.constantFrom(
    'sha256=',
    'v1,',
    't=1,v1=',
    'application/json',
    'application/json; charset=utf-8',
    'push',
    '1700000000',
  ),
  fc
    .array(fc.constantFrom('t=', 'v1=', 'v1,', ',', '=', ' ', ';', 'a'.repeat(64), 'A'.repeat(43), '1'), {
      maxLength: 8,
    })
    .map((parts) => parts.join('')),
)
const headers = fc
  .dictionary(
    fc.constantFrom(
      ...['content-type', 'x-hub-signature-256', 'x-github-event', 'x-github-delivery', 'x-agenta-signature'],
      ...['webhook-id', 'webhook-timestamp', 'webhook-signature', 'svix-id', 'svix-timestamp', 'svix-signature'],
    ),
    headerText,
  )
  .map((given) => ({ get: (name: string) => (Object.hasOwn(given, name) ? (given[name] ?? null) : null) }))

test('headers are read or refused, and no signature made by chance is accepted', () => {
  fc.assert(
    fc.property(fc.constantFrom(...SOURCES), headers, fc.uint8Array({ maxLength: 50 }), (source, given, body) => {
      const envelope = orError(() => source.open(given))
      if (envelope instanceof Error) return
      expect(orError(() => source.verify(envelope, body, new Date()))).toBeInstanceOf(AppError)
    }),
  )
})

/** A copy with some values replaced by others. */
function mutated(value: unknown): fc.Arbitrary<unknown> {
  const json = JSON.stringify(value)
  const values = [...json.matchAll(/:("(?:[^"\\]|\\.)*"|\d+|true|false|null)/g)]
  return fc
    .array(fc.tuple(fc.nat(Math.max(values.length - 1, 0)), fc.jsonValue({ maxDepth: 2 })), { maxLength: 4 })
    .map((changes) => {
      let text = json
      for (const [at, other] of changes.toSorted(([a], [b]) => b - a)) {
        const found = values[at]
        if (found === undefined) continue
        text = `${text.slice(0, found.index + 1)}${JSON.stringify(other)}${text.slice(found.index + found[0].length)}`
      }
      try {
        return JSON.parse(text)
      } catch {
        return value
      }
    })
}

const payload = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom(...EXAMPLES).chain(({ examples }) => fc.constantFrom(...examples).chain(mutated)),
  fc.record(
    {
      event: fc.jsonValue(),
      type: fc.jsonValue(),
      data: fc.jsonValue(),
      timestamp: fc.jsonValue(),
      delivery_id: fc.jsonValue(),
    },
    { requiredKeys: [] },
  ),
  fc.record({
    event: fc.record({ event_type: fc.jsonValue(), event_id: fc.jsonValue() }),
    subject: fc.jsonValue(),
    scope: fc.jsonValue(),
  }),
)

function openHeaders(type: string) {
  const given: Record<string, string> = {
    'content-type': 'application/json',
    'x-github-event': type,
    'x-github-delivery': 'd-1',
    'x-hub-signature-256': `sha256=${'a'.repeat(64)}`,
    'x-agenta-signature': 'a'.repeat(64),
    'webhook-id': 'msg_1',
    'webhook-timestamp': '1700000000',
    'webhook-signature': `v1,${'A'.repeat(43)}=`,
  }
  return { get: (name: string) => given[name] ?? null }
}

function expectBounded({ type, subject, actor, deliveryId, facts }: Normalised) {
  expect(type.length).toBeLessThanOrEqual(200)
  expect(deliveryId.length).toBeLessThanOrEqual(200)
  for (const text of [subject, actor]) if (text !== null) expect(text.length).toBeLessThanOrEqual(1100)
  for (const fact of Object.values(facts).flat()) {
    if (typeof fact === 'string') expect(fact.isWellFormed() && fact.length <= 512).toBe(true)
    else expect(['number', 'boolean', 'undefined']).toContain(typeof fact)
  }
}

test('payloads of any form are read or refused, and what is read of them is bounded', () => {
  const names = fc.constantFrom(...EXAMPLES.map(({ name }) => name))
  fc.assert(
    fc.property(fc.constantFrom(...SOURCES), names, payload, (source, name, value) => {
      const envelope = orError(() => source.open(openHeaders(name)))
      if (envelope instanceof Error) return
      const read = orError(() => source.normalise(envelope, Buffer.from(JSON.stringify(value))))
      if (!(read instanceof Error)) expectBounded(read)
    }),
  )
})

test('Retry-After is a number of milliseconds or nothing', () => {
  const text = fc.oneof(
    headerText,
    fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
    fc.nat().map(String),
  )
  fc.assert(
    fc.property(text, (value) => {
      expect(Number.isNaN(retryAfterMs(value, new Date(0)))).toBe(false)
    }),
  )
})

test('an idempotency key is taken as it is or refused', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (key) => {
      const read = orError(() => readIdempotencyKey(key))
      if (!(read instanceof Error)) expect(read).toBe(key)
    }),
  )
})

test('a name that is a repository has one spelling, which is that repository', () => {
  const part = fc.constantFrom('acme', 'shop', 'github', 'gitlab', ':', '/', '.', '..', '-', '_', ' ', '\n')
  const text = fc.oneof(
    fc.string(),
    fc.array(part, { maxLength: 7 }).map((parts) => parts.join('')),
  )
  fc.assert(
    fc.property(text, (name) => {
      const ref = orError(() => parseRepositoryRef(name))
      if (ref instanceof Error) return
      const plain = formatRepositoryRef(ref)
      expect(formatRepositoryRef(parseRepositoryRef(plain))).toBe(plain)
      expect(plain).not.toMatch(/\s|(?:^|[/:])\.\.(?:\/|$)/)
    }),
  )
})

test('JSON is refused exactly when it is nested too deep, or is not JSON', () => {
  fc.assert(
    fc.property(fc.nat(2 * MAX_JSON_DEPTH), fc.string(), fc.boolean(), (depth, text, isWhole) => {
      const json = '['.repeat(depth) + JSON.stringify(text) + ']'.repeat(isWhole ? depth : Math.max(depth - 1, 0))
      const read = orError(() => parseJson(Buffer.from(json)))
      expect(read instanceof Error).toBe(depth > MAX_JSON_DEPTH || (!isWhole && depth > 0))
    }),
  )
})

/** What `before` becomes by a difference, whose paths escape dots and backslashes. */
function applied(before: JsonObject, { added, modified, removed }: ReturnType<typeof configDiff>): unknown {
  const after = structuredClone(before)
  const stepsOf = (path: string) =>
    path.split(/(?<!(?:^|[^\\])(?:\\\\)*\\)\./).map((step) => step.replace(/\\([\\.])/g, '$1'))
  const parentOf = (path: string) => {
    const steps = stepsOf(path)
    const last = steps.pop() ?? ''
    return { parent: steps.reduce((at, step) => at[step] as JsonObject, after), last }
  }
  const set = (path: string, value: JsonObject[string]) => {
    const { parent, last } = parentOf(path)
    Object.defineProperty(parent, last, { value, enumerable: true, configurable: true, writable: true })
  }
  for (const [path, value] of Object.entries(added)) set(path, value)
  for (const [path, change] of Object.entries(modified)) set(path, change.new)
  for (const path of Object.keys(removed)) {
    const { parent, last } = parentOf(path)
    delete parent[last]
  }
  return after
}

test('a difference makes the new configuration of the old one', () => {
  const key = fc.constantFrom('a', 'b', 'a.b', 'a\\', '\\.', '', 'model')
  const json = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom(1, 'x', null, true),
      fc.array(tie('value'), { maxLength: 2 }),
      fc.dictionary(key, tie('value'), { maxKeys: 3 }),
    ),
  })).value
  const config = fc.dictionary(key, json, { maxKeys: 4 }) as fc.Arbitrary<JsonObject>
  fc.assert(
    fc.property(config, config, (before, after) => {
      expect(applied(before, configDiff(before, after))).toEqual(after)
    }),
  )
})

const output = fc.record(
  {
    kind: fc.constantFrom('pull_request', 'comment', 'labels', 'other'),
    repository: fc.oneof(fc.constantFrom('acme/shop', 'gitlab:a/b/c'), fc.jsonValue()),
    target: fc.oneof(fc.constantFrom({ issue: 1 }, { commit: 'a'.repeat(40) }), fc.jsonValue()),
    body: fc.oneof(fc.string(), fc.jsonValue()),
    branch: fc.oneof(fc.constantFrom('agenta/x', 'main', 'agenta/..'), fc.jsonValue()),
    title: fc.oneof(fc.string(), fc.jsonValue()),
    commitMessage: fc.oneof(fc.string(), fc.jsonValue()),
    key: fc.oneof(fc.string(), fc.jsonValue()),
    labels: fc.oneof(fc.array(fc.string()), fc.jsonValue()),
    changes: fc.oneof(
      fc.array(
        fc.record({
          path: fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('.git/x', 'a//b', 'a')),
          content: fc.string(),
        }),
      ),
      fc.jsonValue(),
    ),
  },
  { requiredKeys: ['kind'] },
)

test('what an agent returns is an output that the policy can judge, or is refused', () => {
  fc.assert(
    fc.property(fc.oneof(fc.array(output, { maxLength: 3 }), fc.jsonValue()), (given) => {
      const outputs = orError(() => parseOutputs(given))
      if (outputs instanceof Error) return
      orError(() => requireAllowed(outputs, { repositories: ['**'] }))
    }),
  )
})

const fact = fc.constantFrom('acme/shop', 'main', 'mona', 'bug', 'release/1', '', '*', '!x', 'a\nb')
const facts = fc.record(
  {
    repository: fact,
    branch: fact,
    author: fact,
    labels: fc.array(fact, { maxLength: 3 }),
    action: fact,
    app: fact,
    environment: fact,
  },
  { requiredKeys: [] },
)

test('what a rule is said to do with an event is what it does', () => {
  const glob = fc.constantFrom('*', 'main', 'release/*', '!main', '{bug,x}', 'a?', 'acme/*', 'push', 'MONA')
  const when = fc.record(
    { repository: glob, branch: glob, author: glob, label: glob, environment: glob },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(glob, when, facts, (on, condition, given) => {
      const rule = { name: 'r', on, when: condition, agent: 'a' }
      const event = { source: 'github', type: 'push', facts: given }
      expect(matchRules(compileRules([rule]), event).length === 1).toBe(explain(rule, event).matched)
    }),
  )
})

test('a group is a text of bounded length, or none', () => {
  const template = fc.array(fc.constantFrom('{repository}', '{branch}', '{nothing}', '{', '}', ':', 'x'), {
    maxLength: 6,
  })
  fc.assert(
    fc.property(template, facts, (parts, given) => {
      const key = groupKey(parts.join(''), given)
      if (key !== null) expect(key.length).toBeLessThanOrEqual(1000)
    }),
  )
})

test('a glob of any form answers for a value of any form, and several are as one of them', () => {
  const text = fc.oneof(
    fc.string(),
    fc
      .array(fc.constantFrom('a', '*', '**', '/', '?', '{', '}', ',', '!(', '|', ')', '[', ']', '\\', '-', '^', 'a-'))
      .map((parts) => parts.join('')),
  )
  fc.assert(
    fc.property(text, text, fc.constantFrom(NAME, LOGIN, REF, REPOSITORY, PATH), (glob, value, kind) => {
      fc.pre(glob !== '' && !glob.startsWith('!'))
      expect(compileGlobs([glob, 'nothing else'], kind)(value)).toBe(
        compileGlobs(glob, kind)(value) || value === 'nothing else',
      )
    }),
  )
})
