// The example of docs/agents/issue-to-pr.md, run as it is printed.
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadConfig } from '../src/config/config-file.ts'
import { MENDS, openTaskStage } from './fixtures/tasks.ts'
import { openTestFolder } from './folder.ts'

const page = readFileSync(new URL('../docs/agents/issue-to-pr.md', import.meta.url), 'utf8')

function blocks(language: string): string[] {
  const found = page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))
  return Array.from(found, ([, block = '']) => block.trim())
}

test('the example of the page becomes the comment and the pull request that it prints', {
  timeout: 60_000,
}, async () => {
  const folder = await openTestFolder()
  // A runner of tests resolves names of packages by itself.
  const index = new URL('../src/index.ts', import.meta.url).href
  await writeFile(join(folder, 'signalbox.config.ts'), (blocks('ts')[0] ?? '').replace("'signalbox'", `'${index}'`))
  const { config } = await loadConfig(folder)
  const { model, shop, github, ended, said } = await openTaskStage({ config })
  model.answers(...MENDS)
  const { number } = await shop.openIssue({ title: 'The sum is wrong' }, 'jane')
  await shop.labelIssue(number, 'agent-task', 'jane')
  expect(await ended(1)).toMatchObject([{ status: 'completed' }])
  const [comment, description] = blocks('markdown')
  const [plan] = await said(number)
  expect(plan?.replace(github.url, 'https://github.com')).toBe(comment)
  const [pull] = await shop.pulls()
  expect(pull?.body?.replace(/\s*<!--.*-->\s*$/s, '')).toBe(description)
  expect(model.requests[1]?.system).toContain('history: Shows the newest commits.')
})
