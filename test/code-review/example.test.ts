// The example of docs/agents/code-review.md, run as it is printed.
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { codeReviewOptions } from '../../src/agents/code-review/options.ts'
import { loadConfig } from '../../src/config/config-file.ts'
import { openTestFolder } from '../folder.ts'
import { openStage } from './stage.ts'

const page = readFileSync(new URL('../../docs/agents/code-review.md', import.meta.url), 'utf8')

function block(language: string, fence = '```'): string {
  return new RegExp(`^${fence}${language}\n(.*?)^${fence}$`, 'ms').exec(page)?.[1] ?? ''
}

test('the example of the page becomes the review and the check that it prints', { timeout: 60_000 }, async () => {
  const folder = await openTestFolder()
  // A runner of tests resolves names of packages by itself.
  const index = new URL('../../src/index.ts', import.meta.url).href
  await writeFile(join(folder, 'signalbox.config.ts'), block('ts').replace("'signalbox'", `'${index}'`))
  const { config } = await loadConfig(folder)
  const stage = await openStage({ hasModel: true, ...(config.agents ? { agents: config.agents } : {}) })
  onTestFinished(() => stage.close())
  stage.model.answers({ text: block('json'), inputTokens: 900, outputTokens: 120 })
  const { number, sha } = await stage.propose({ 'src/pay.js': block('js') })
  await stage.jobs()
  expect(stage.model.requests[0]?.messages.join('')).toContain('Amounts are in cents.')
  const [on3, on2] = (await stage.comments(number)).toSorted((one, other) => (other.line ?? 0) - (one.line ?? 0))
  expect(on3?.body.replace(/\n<!-- .*$/s, '\n')).toBe(block('markdown', '````'))
  expect(on2).toMatchObject({ line: 2, body: expect.stringContaining('debugger') })
  const [check] = await stage.checks(sha)
  expect(check).toMatchObject({ name: 'signalbox/code-review', conclusion: 'failure', output: { title: '2 findings' } })
  expect(`${check?.output.summary}\n`).toBe(block('markdown'))
})

test('the page lists exactly the options', () => {
  const table = page.slice(page.indexOf('## Options'), page.indexOf('## How much'))
  const named = [...table.matchAll(/^\| (`\w+`(?:, `\w+`)*) \|/gm)].flatMap(
    ([, names = '']) => names.match(/\w+/g) ?? [],
  )
  expect(named.toSorted()).toEqual(Object.keys(codeReviewOptions.shape).toSorted())
})
