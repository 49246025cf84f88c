import { expect, test } from 'vitest'
import { describe } from '../../lib/zod.ts'
import { deploymentPrInput, fill } from './options.ts'

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
])('the options %j are refused by field', (options, problem) => {
  const { error } = deploymentPrInput.safeParse(options)
  expect(error && describe(error)).toContain(problem)
})

test('a repository may name its forge', () => {
  const options = { repository: 'github:acme/shop', repositories: { bot: 'gitlab:acme/tools/bots' } }
  expect(deploymentPrInput.parse(options)).toEqual(options)
})
