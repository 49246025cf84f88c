// GitHub's own 329 example payloads: each is verified and normalised, and its normalised form never
// changes unseen.
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'
import { githubHeaders } from '../../../test/fixtures/signed.ts'
import { github } from './github.ts'

type Example = { name: string; examples: Record<string, unknown>[] }
const corpus = createRequire(import.meta.url)('@octokit/webhooks-examples') as Example[]

const now = new Date('2026-01-01T00:00:00Z')
const keys = { secret: 'a-secret-of-32-characters-or-so!', token: '', now }
const source = github({ secrets: [keys.secret] })

/** A payload sent, verified and read, as one line. */
function goldenLine(event: string, example: unknown, index: number): string {
  const body = Buffer.from(JSON.stringify(example))
  const headers = new Headers(
    githubHeaders(body, keys, { 'x-github-event': event, 'x-github-delivery': `${event}-${index}` }),
  )
  const envelope = source.open(headers)
  source.verify(envelope, body, now)
  const normalised = source.normalise(envelope, body)
  expect(normalised).not.toHaveProperty('payload')
  const { type, deliveryId, subject, actor, facts, pullRequest } = normalised
  return JSON.stringify({ type, deliveryId, subject, actor, facts, pullRequest })
}

test('the corpus is the whole one', () => {
  expect(corpus.reduce((sum, { examples }) => sum + examples.length, 0)).toBe(329)
})

describe('the normalised form of every example', () => {
  test.each(corpus)('$name', ({ name, examples }) => {
    const file = new URL(`../../../test/fixtures/github/${name}.golden.json`, import.meta.url)
    const lines = examples.map((example, index) => goldenLine(name, example, index))
    const golden = `[\n${lines.join(',\n')}\n]\n`
    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(file, golden)
    // To accept a change: UPDATE_GOLDEN=1 and run this file again, then read the difference.
    expect(golden).toBe(readFileSync(file, 'utf8'))
  })
})
