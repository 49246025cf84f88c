// The example of docs/agents/deployment-pr.md, run as it is printed.
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openFakeGithub } from '@signalbox/fake-github'
import { expect, onTestFinished, test } from 'vitest'
import { loadConfig } from '../src/config/config-file.ts'
import { openTestFolder } from './folder.ts'
import { openTestSignalbox, until } from './signalbox.ts'
import { cliOf } from './terminal.ts'

const page = readFileSync(new URL('../docs/agents/deployment-pr.md', import.meta.url), 'utf8')

function block(language: string): string {
  return new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'ms').exec(page)?.[1] ?? ''
}

/** The text with every time of day the same: the example's is not today's. */
function withoutTimes(text: string): string {
  return text.replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/g, 'TIME')
}

test('the example of the page becomes the pull request that it prints', { timeout: 60_000 }, async () => {
  const github = await openFakeGithub()
  onTestFinished(() => github.close())
  const repository = await github.addRepository({
    owner: 'acme',
    name: 'prompts',
    files: { 'README.md': '# Prompts\n' },
    collaborators: { jane: 'write' },
  })
  const token = github.addToken({ login: 'acme' })
  const folder = await openTestFolder()
  // A runner of tests resolves names of packages by itself.
  const index = new URL('../src/index.ts', import.meta.url).href
  await writeFile(join(folder, 'signalbox.config.ts'), block('ts').replace("'signalbox'", `'${index}'`))
  const { config, path } = await loadConfig(folder)
  expect(path).not.toBeNull()
  const env = { GITHUB_TOKEN: token, GITHUB_API_URL: github.apiUrl }
  const signalbox = await openTestSignalbox({ config, env })
  onTestFinished(() => signalbox.close())

  const words = Array.from(
    block('sh')
      .trim()
      .matchAll(/"([^"]*)"|(\S+)/g),
    ([, quoted, word]) => quoted ?? word ?? '',
  )
  const deploy = async (config: object, change: (args: string[]) => string[]) => {
    const args = change(words.slice(1)).map((word) => (word === 'config.json' ? '-' : word))
    const { code } = await cliOf(signalbox).ask(args, { readInput: async () => JSON.stringify(config) })
    expect(code).toBe(0)
  }
  const done = (count: number) =>
    until('the jobs are done', async () => (await signalbox.count('signalbox.jobs', "status = 'completed'")) === count)
  await deploy({ temperature: 0.5 }, (args) => args)
  await done(1)
  const first = (await repository.pulls('open'))[0]
  await deploy({ temperature: 2 }, (args) =>
    args.map((word) => ({ v1: 'v2', 'First version': 'Be creative' })[word] ?? word),
  )
  await done(2)

  const [pull, ...others] = await repository.pulls('all')
  expect(others).toEqual([])
  expect(pull?.title).toBe('🤖 Deploy bot 2 to production')
  const body = (pull?.body ?? '').replace(/\n\n<!-- signalbox:.*-->$/, '\n')
  expect(withoutTimes(body.slice(body.indexOf('## Changes')))).toBe(withoutTimes(block('markdown')))
  const headers = { authorization: `Bearer ${token}` }
  const statusOf = async (sha = '') =>
    (await fetch(`${github.apiUrl}/repos/acme/prompts/commits/${sha}/statuses`, { headers })).json()
  expect(await statusOf(first?.head.sha)).toMatchObject([{ context: 'Deployed configuration', state: 'success' }])
  expect(await statusOf(pull?.head.sha)).toMatchObject([
    { state: 'failure', description: '$.temperature must be <= 1' },
  ])
  expect(pull?.requested_reviewers).toMatchObject([{ login: 'jane' }])
})
