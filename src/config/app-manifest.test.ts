// The App that is asked for, and the webhook, have what the default rules need, and the documents
// say the same.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { accessFor } from '../publisher/access.ts'
import { KINDS } from '../publisher/fixtures/each-kind.ts'
import type { Output } from '../publisher/output.ts'
import { DEFAULT_OUTPUTS } from '../publisher/policy.ts'
import { APP_PERMISSIONS, appManifest } from './app-manifest.ts'
import { defaultRules } from './default-rules.ts'
import { wantedEvents } from './github-events.ts'

const urls = { publicUrl: 'https://a.example', webhookUrl: 'https://a.example/webhook/github', redirectUrl: 'http://b' }
const SHA = 'a'.repeat(40)
const DEFAULT_EVENTS = [
  'commit_comment',
  'issue_comment',
  'issues',
  'pull_request',
  'pull_request_review',
  'pull_request_review_comment',
  'push',
  'release',
]

/** An output of each of these kinds; of those that are about something, one about each thing. */
function outputsOf(kinds: ReadonlySet<string>): Output[] {
  const [repo, world] = [{ fullName: 'acme/shop' }, { base: SHA, head: SHA, thread: 'T' }]
  const outputs = KINDS.map(({ output }) => output(repo as never, world as never))
  const targets = [{ issue: 1 }, { pullRequest: 1 }, { commit: SHA }]
  return outputs
    .filter(({ kind }) => kinds.has(kind))
    .flatMap((each) => ('target' in each ? targets.map((target) => ({ ...each, target }) as Output) : [each]))
}

test('an App may write what the default rules write, and nothing else', () => {
  const kinds = new Set(defaultRules.flatMap(({ outputs }) => Object.keys(outputs ?? DEFAULT_OUTPUTS)))
  const names = Object.keys(APP_PERMISSIONS).filter((name) => name !== 'metadata')
  const needed = new Set(Object.keys(accessFor(outputsOf(kinds))))
  // An App writes checks, for which a token has statuses.
  needed.delete('statuses')
  expect([...needed].sort()).toEqual(names.sort())
  expect(APP_PERMISSIONS.metadata).toBe('read')
})

test('the documents name the same permissions', () => {
  const text = readFileSync(new URL('../../docs/github.md', import.meta.url), 'utf8')
  const table = text.slice(text.indexOf('| permission | for |'))
  // Of a token, and not of an App.
  const rows = table
    .slice(0, table.indexOf('\n\n'))
    .replace(/\*Commit statuses\* of a token, |\*Webhooks\*, read only/g, '')
  const named = [...rows.matchAll(/\*([A-Z][a-z ]+)\*/g)].map(([, name = '']) => name.toLowerCase().replace(' ', '_'))
  expect(named.sort()).toEqual(
    Object.keys(APP_PERMISSIONS)
      .filter((name) => name !== 'metadata')
      .sort(),
  )
})

test('the events are those of the default rules, and what Signalbox itself follows', () => {
  expect(appManifest(urls, 'x').default_events).toEqual(DEFAULT_EVENTS)
  expect(wantedEvents({ rules: defaultRules }, 'repository')).toEqual(DEFAULT_EVENTS)
})

test('rules and endpoints of one own add theirs; whoever wants all gets all, but no App', () => {
  const rules = [{ on: ['check_run.*', 'discussion.created'] }, { on: 'environment.deployed' }]
  const endpoints = [{ events: ['deployment_status.created', 'job.failed'] }]
  expect(wantedEvents({ rules, endpoints }, 'repository')).toEqual([
    'check_run',
    'deployment_status',
    'discussion',
    'pull_request',
    'push',
  ])
  expect(wantedEvents({ rules: [{ on: '*' }] }, 'repository')).toEqual(['*'])
  expect(wantedEvents({ rules: [{ on: '*' }] }, 'app')).not.toContain('*')
  expect(wantedEvents({ rules: [{ on: 'organization.*' }] }, 'repository')).not.toContain('organization')
  expect(wantedEvents({ rules: [{ on: 'organization.*' }] }, 'organization')).toContain('organization')
})

test('a name is one that GitHub takes', () => {
  expect(appManifest(urls, 'a'.repeat(60)).name).toHaveLength(34)
})
