import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cases } from '../../../test/fuzz.ts'
import { configDiff } from '../../descriptions/config-diff.ts'
import type { DeploymentEvent } from '../../descriptions/deployment-event.ts'
import type { JsonObject } from '../../lib/json.ts'
import { withMarker } from '../../lib/marker.ts'
import { withTrailer } from '../../lib/trailer.ts'
import { redactor } from '../../untrusted/redact.ts'
import { answerDeployment } from './answer.ts'
import { withoutNamedSecrets } from './named-secrets.ts'

function deployed(data: Partial<DeploymentEvent['data']>): DeploymentEvent {
  return {
    event: 'environment.deployed',
    timestamp: '2025-11-20T10:30:00Z',
    project_id: 'p1',
    data: { app_name: 'bot', environment: 'production', deployment_id: 'd1', ...data },
  }
}

/** Everything that anybody gets to read of a deployment. */
function outcome(event: DeploymentEvent): string {
  const answer = answerDeployment(event, { repository: 'acme/shop' })
  if (!('output' in answer)) throw new Error('There is no output.')
  const { output } = answer
  const { key, series, order } = output
  const printed = redactor([event.data.config, event.data]).value(event.data)
  return [
    JSON.stringify(output),
    withMarker(output.body, { keys: [key], series, order }, 65_536),
    withTrailer(output.commitMessage, { key, order }),
    JSON.stringify(answerDeployment(event, {})),
    JSON.stringify(answerDeployment(event, { repository: 'acme/shop', environments: [] })),
    JSON.stringify(printed),
  ].join('\n')
}

test('a changed key is in no part of the pull request', () => {
  const before = { temperature: 0.7, encryption_key: 'Tr0ub4dor-and-3-more-words-OLD' }
  const config = { temperature: 0.5, encryption_key: 'Tr0ub4dor-and-3-more-words-NEW' }
  const shown = outcome(deployed({ config, config_diff: configDiff(before, config) }))
  expect(shown).not.toContain('Tr0ub4dor')
  expect(shown).toContain('**encryption_key**: `\\"[redacted]\\"` → `\\"[redacted]\\"`')
})

test('a token in the name of an app or environment, or in a key, is in no part of it either', () => {
  const token = `ghp_${'a1'.repeat(18)}`
  const config = { [token]: { [token]: 1 }, nested: { [`x ${token}`]: [token] } }
  const data = { app_name: `bot ${token}`, environment: token, variant_name: token, deployment_id: token }
  expect(outcome(deployed({ ...data, config, config_diff: configDiff({}, config) }))).not.toContain('a1a1')
})

test('apps, environments and deployments whose names have different tokens stay apart', () => {
  const outputs = ['a1', 'b2'].map((part) => {
    const token = `ghp_${part.repeat(18)}`
    const event = deployed({ app_name: token, deployment_id: token })
    const answer = answerDeployment(event, { repository: 'acme/shop' })
    if (!('output' in answer)) throw new Error('There is no output.')
    return answer.output
  })
  for (const part of ['branch', 'key', 'series'] as const) expect(outputs[0]?.[part]).not.toBe(outputs[1]?.[part])
  expect(outputs[0]?.changes[0]?.path).not.toBe(outputs[1]?.changes[0]?.path)
})

test('what the configuration calls a password is not readable in the message', () => {
  const shown = outcome(deployed({ config: { db: { password: 'hunter-2' } }, commit_message: 'Use hunter-2 now' }))
  expect(shown).not.toContain('hunter-2')
  expect(shown).toContain('Use [redacted] now')
})

function header(value: string, name = 'X-Api-Key') {
  return { h: { name, value } }
}

test.each<[string, JsonObject, JsonObject]>([
  ['is another', header('Zebra-old-77'), header('Zebra-new-88')],
  ['is an ordinary word', header('Zebra'), header('Zebras')],
  ['is gone', header('Zebra'), { h: { name: 'X-Api-Key' } }],
  ['has another name', header('Zebra'), header('eu-1', 'X-Region')],
  ['stays under another name', header('Zebra-old-77'), header('Zebra-old-77', 'X-Region')],
  ['has capitals', { h: { Key: 'DB_PASSWORD', Value: 'Zebra' } }, { h: { Key: 'DB_PASSWORD', Value: 'Zebras' } }],
])('a secret beside its name is in no part of it when it %s', (_, before, config) => {
  expect(outcome(deployed({ config, config_diff: configDiff(before, config) }))).not.toContain('Zebra')
})

const renamed = { 'h.name': { old: 'X-Api-Key', new: 'X-Region' } }

test.each<[string, JsonObject, unknown]>([
  ['the configuration', header('Zebras'), { modified: { 'h.value': { old: 'Zebra', new: 'Zebras' } } }],
  ['the configuration', { h: { name: 'X-Api-Key' } }, { removed: { 'h.value.a': 'Zebra' } }],
  ['the configuration', { 'a.b': header('x') }, { removed: { 'a\\.b.h.value': 'Zebra' } }],
  ['its own old name', {}, { removed: { 'h.key': 'X-Api-Key', 'h.value': 'Zebra' } }],
  ['its own old name', header('eu-1', 'X-Region'), { modified: { ...renamed, 'h.value': ['Zebra', 'eu-1'] } }],
  ['its own old name', header('Zebra-77', 'X-Region'), { modified: renamed, removed: { 'h.value': 'Zebra-77' } }],
  ['the root', { name: 'token', value: 'Zebras' }, { modified: { value: { old: 'Zebra', new: 'Zebras' } } }],
])("a secret in a sender's difference is named by %s", (_, config, config_diff) => {
  const answer = answerDeployment(deployed({ config, config_diff }), { repository: 'acme/shop' })
  expect(JSON.stringify(answer)).toContain('[redacted]')
  expect(JSON.stringify(answer)).not.toContain('Zebra')
})

test('a value beside a name that is no secret is shown', () => {
  const diff = { modified: { 'h.value': { old: 'html', new: 'json' } } }
  expect(outcome(deployed({ config: header('json', 'accept'), config_diff: diff }))).toContain('`html` → `json`')
})

test('a name is looked for once, however many paths lead by it', () => {
  let reads = 0
  const config = {
    get name() {
      reads += 1
      return 'accept'
    },
  }
  const added = { 'value.a': 1, 'value.b': 1, 'value.value': 1 }
  const { data } = deployed({ config, config_diff: { added } })
  expect(withoutNamedSecrets(data, () => {})).toEqual({ added })
  expect(reads).toBe(1)
})

const SECRET_NAMES = [
  'password',
  'apiKey',
  'x-api-key',
  'encryption_key',
  'signing_keys',
  'access_token',
  'DB_PASSWORD_2',
]
const TOKENS = [
  `ghp_${'a1'.repeat(18)}`,
  `sk-proj-${'b2'.repeat(18)}`,
  `sbp_${'c3'.repeat(20)}`,
  `glpat-${'d4'.repeat(12)}`,
]

// Letters and digits only, so that nothing but their removal can hide them.
const value = fc.stringMatching(/^[a-z]{4}[0-9]{4}[a-zA-Z]{0,12}$/)
const token = fc.constantFrom(...TOKENS)

/** A value in which every text and number is a secret of the same name. */
function leaves(secret: string): fc.Arbitrary<unknown> {
  return fc.constantFrom<unknown>(
    secret,
    [secret],
    { prod: secret },
    { value: secret },
    { old: secret, new: `${secret}x` },
    { a: [{ b: secret, c: true }] },
    [['accept', secret]],
  )
}

function planted(secret: string): fc.Arbitrary<JsonObject> {
  const json = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom<unknown>('plain', 3, true, null, 'max_tokens'),
      token.map((known) => `say ${known}`),
      fc.constant(`the secret is ${secret}.`),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('a', 'b.c', 'name', 'value', `of ${secret}`, ...TOKENS), tie('value'), {
        maxKeys: 3,
      }),
      fc
        .tuple(fc.constantFrom(...SECRET_NAMES), leaves(secret), tie('value'))
        .map(([name, under, other]) => ({ [name]: under, other })),
      fc.constant({ headers: [{ name: 'x-api-key', value: secret }] }),
    ),
  })).value
  return fc
    .tuple(fc.dictionary(fc.constantFrom('model', 'tools', 'prompt', 'db'), json), fc.constantFrom(...SECRET_NAMES))
    .map(([config, name]) => ({ ...config, [name]: secret }) as JsonObject)
}

test('what is redacted in one place is readable in no other', () => {
  const text = (secret: string) =>
    fc.oneof(fc.constant('bot'), fc.constant(`bot ${secret}`), token, fc.constant(`${secret}, ${TOKENS[0]}`))
  const event = value.chain((secret) =>
    fc.record({
      secret: fc.constant(secret),
      before: planted(`${secret}x`),
      after: planted(secret),
      app_name: text(secret),
      environment: text(secret),
      variant_name: text(secret),
      deployed_by: text(secret),
      commit_message: text(secret),
      deployment_id: text(secret),
    }),
  )
  fc.assert(
    fc.property(event, ({ secret, before, after, ...names }) => {
      const shown = outcome(deployed({ ...names, config: after, config_diff: configDiff(before, after) }))
      expect(shown).not.toContain(secret)
      for (const known of TOKENS) expect(shown).not.toContain(known)
    }),
    { numRuns: cases(50) },
  )
})
