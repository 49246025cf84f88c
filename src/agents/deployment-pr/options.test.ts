import { expect, test } from 'vitest'
import { fill } from '../../descriptions/template.ts'
import { describe, PARSING } from '../../lib/zod.ts'
import { deploymentPrInput, repositoryOf } from './options.ts'

test.each([
  ['{app}/{environment}', 'bot/production'],
  ['{app}-{app}', 'bot-bot'],
  ['{unknown} {app}', '{unknown} bot'],
  ['{constructor} { app } {}', '{constructor} { app } {}'],
  ['plain', 'plain'],
])('the template %s is filled to %s', (template, text) => {
  expect(fill(template, { app: 'bot', environment: 'production' })).toBe(text)
})

test('a value that looks like a template is not filled again', () => {
  expect(fill('{app}', { app: '{environment}', environment: 'x' })).toBe('{environment}')
})

test.each([
  [{ repository: 'shop' }, 'repository: write owner/name'],
  [{ repositories: { bot: 'https://github.com/acme/shop' } }, 'repositories.bot: write owner/name'],
  [{ labels: [''] }, 'labels.0: must have at least 1 character'],
  [{ onOpenPullRequest: 'close' }, 'onOpenPullRequest: must be "update" or "separate"'],
  [{ repositry: 'acme/shop' }, 'unknown field "repositry"'],
  [{ title: 'Deploy {ap}' }, 'title: names the unknown {ap}; known: app, environment, project, variant, revision,'],
  [{ labels: ['{details}'] }, 'labels.0: names the unknown {details}; known: app,'],
  [{ path: '{app}/{deployment_id}.json' }, 'path: names the unknown {deployment_id}; known: app, environment, project'],
  [{ body: '{chnages}' }, 'deployment_id, sequence, details, checklist, deployments'],
  [{ branch: 'agenta/{app}' }, 'branch: must have {deployment_id}, because each deployment has a branch of its own'],
  [{ validate: { schema: { type: 'nothing' } } }, 'is no JSON Schema that can be used'],
  [{ validate: { command: ['./check.sh'] } }, 'unknown field "command"'],
])('the options %j are refused by field', (options, problem) => {
  const { error } = deploymentPrInput.safeParse(options, PARSING)
  expect(error && describe(error)).toContain(problem)
})

test('a repository may name its forge', () => {
  const options = { repository: 'github:acme/shop', repositories: { bot: 'gitlab:acme/tools/bots' } }
  expect(deploymentPrInput.parse(options)).toEqual(options)
})

test('the repository of an app is found by its project and its name, by the project, then by the name alone', () => {
  const repositories = { 'one/bot': 'acme/one-bot', 'one/*': 'acme/one', bot: 'acme/bots', 'a%2Fb': 'acme/slash' }
  const of = (project: string | null, app: string) =>
    repositoryOf({ app, project }, { repository: 'acme/all', repositories })
  expect([of('one', 'bot'), of('one', 'other'), of('two', 'bot'), of(null, 'bot')]).toEqual([
    'acme/one-bot',
    'acme/one',
    'acme/bots',
    'acme/bots',
  ])
  // Names that look like a key mean no more than themselves.
  expect([of(null, 'one/bot'), of('two', '*'), of('a', 'b'), of(null, 'a/b')]).toEqual([
    'acme/all',
    'acme/all',
    'acme/all',
    'acme/slash',
  ])
})
