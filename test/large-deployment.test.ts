// A deployment that is large on purpose is rendered in a process of its own, and no longer than its
// job may take.
import { existsSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Config } from '../src/index.ts'
import { defaultRules, deploymentPr } from '../src/index.ts'
import { openTestFolder } from './folder.ts'
import { openTestSignalbox, until } from './signalbox.ts'

const CHANGED_KEYS = 60_000
const LIMIT_MS = 120_000

/**
 * A configuration as large as is accepted: a long prompt of beginnings of tokens, and many keys.
 */
function configuration(value: number): Record<string, unknown> {
  const keys = Array.from({ length: CHANGED_KEYS }, (_, i) => [`k${i}`, value])
  return { prompt: `${'-eyJaaaaaaaa'.repeat(28_000)}${value}`, ...Object.fromEntries(keys) }
}

/** `configFile` is what the child processes load. */
async function openService(config: Config = {}, configFile?: string) {
  const path = join(await openTestFolder(), 'signalbox.config.ts')
  if (configFile !== undefined) await writeFile(path, configFile)
  const configPath = configFile === undefined ? null : path
  const env = { GITHUB_REPO: 'acme/shop' }
  const signalbox = await openTestSignalbox({ config, env, ...(configPath && { configPath }) })
  onTestFinished(() => signalbox.close())
  const read = async <Row extends object>(sql: string) => (await signalbox.database.query<Row>(sql)).rows
  return {
    read,
    health: async () => (await fetch(`${signalbox.url}/health`)).status,
    async deploy(config: unknown) {
      const names = { project_id: 'p', app_name: 'bot', variant_name: 'v', environment: 'production', deployed_by: 'x' }
      const answer = await signalbox.api('/api/deployments', { method: 'POST', body: { ...names, config } })
      expect(answer.status).toBe(201)
    },
  }
}

/** The scripts that this process's children run. */
function scriptsOfChildren(): string[] {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ').filter(Boolean)
  return children.map((pid) => {
    const path = `/proc/${pid}/cmdline`
    return existsSync(path) ? readFileSync(path, 'utf8').replaceAll('\0', ' ') : ''
  })
}

test.runIf(existsSync(`/proc/self/task/${process.pid}/children`))(
  'a megabyte of a long prompt and sixty thousand changed keys is rendered in another process',
  async () => {
    const { deploy, health, read } = await openService({
      rules: defaultRules.map((rule) => ({ ...rule, priority: 6 })),
    })
    await deploy(configuration(1))
    await deploy(configuration(2))
    expect(await health()).toBe(200)
    const rendered = () => read("select from signalbox.job_log where line like 'The pull request for acme/shop is %'")
    await until('both are rendered', async () => (await rendered()).length >= 2, LIMIT_MS)
    expect(scriptsOfChildren().filter((script) => script.includes('config/agent-child.ts'))).not.toEqual([])
  },
  2 * LIMIT_MS,
)

test(
  'rendering that does not end is ended by the time limit of its job, while the service answers',
  async () => {
    const rules = defaultRules.map((rule) => ({ ...rule, timeLimitMs: 1000, maxAttempts: 1 }))
    const { deploy, health, read } = await openService(
      { rules, agents: [deploymentPr()] },
      `import { defineConfig, deploymentPr } from 'signalbox'
      export default defineConfig({ agents: [deploymentPr({ customise() { for (;;) Math.random() } })] })`,
    )
    await deploy(configuration(1))
    const ended = () => read<{ error: string }>("select error from signalbox.jobs where status = 'failed'")
    await until('the job has ended', async () => (await ended()).length === 1 && (await health()) === 200, LIMIT_MS)
    expect(await ended()).toEqual([{ error: 'The time limit of 1 s is over.' }])
  },
  2 * LIMIT_MS,
)
