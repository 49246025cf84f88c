// Waiting for jobs, from the command line.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { TestSignalbox } from '../../test/signalbox.ts'
import { openTestSignalbox } from '../../test/signalbox.ts'
import { cliOf } from '../../test/terminal.ts'
import { defineAgent } from '../agents/agent.ts'
import { GiveUp } from '../lib/error.ts'

const release = Promise.withResolvers<void>()

const quick = defineAgent({ name: 'quick', description: 'Ends.', input: z.unknown(), run: async () => ({ result: 1 }) })
const failing = defineAgent({
  name: 'failing',
  description: 'Fails.',
  input: z.unknown(),
  run: async () => {
    throw new GiveUp('No repository is set.')
  },
})
const hanging = defineAgent({
  name: 'hanging',
  description: 'Does not end.',
  input: z.unknown(),
  run: async () => {
    await release.promise
    return {}
  },
})

let signalbox: TestSignalbox
let cli: ReturnType<typeof cliOf>
beforeAll(async () => {
  const many = Array.from({ length: 60 }, (_, n) => ({
    name: `many-${n}`,
    on: 'environment.deployed',
    when: { app: 'many' },
    agent: n === 0 ? 'failing' : 'quick',
  }))
  const rules = ['quick', 'failing'].map((agent) => ({
    name: agent,
    on: 'environment.deployed',
    when: { app: agent },
    agent,
  }))
  signalbox = await openTestSignalbox({ config: { agents: [quick, failing, hanging], rules: [...rules, ...many] } })
  cli = cliOf(signalbox)
})
afterAll(async () => {
  release.resolve()
  await signalbox.close()
})

function deploy(app: string, ...more: string[]) {
  const args = ['deploy', '--app', app, '--env', 'production', '--config', '-', ...more]
  return cli.ask(args, { readInput: async () => '{}' })
}

describe('trigger --wait', () => {
  test('says how the job goes on, and that it completed', async () => {
    const { code, out } = await cli.ask(['trigger', 'quick', '--wait'])
    expect(code).toBe(0)
    expect(out).toMatch(/^(job [0-9a-f]{8} quick: (pending|running, attempt 1)\n)*job [0-9a-f]{8} quick: completed\n$/)
  })

  test('ends with 1 and the reason when the job fails', async () => {
    const { code, out, err } = await cli.ask(['trigger', 'failing', '--wait'])
    expect({ code, err }).toEqual({ code: 1, err: '' })
    expect(out).toMatch(/failing: failed: No repository is set\.\n$/)
  })

  test('prints the ended job with --json, and nothing else', async () => {
    const { code, out } = await cli.ask(['trigger', 'failing', '--wait', '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(out)).toMatchObject({ received: true, ended: [{ status: 'failed', job_type: 'failing' }] })
  })

  test('gives up after --timeout and says that the job goes on', async () => {
    const { code, err } = await cli.ask(['trigger', 'hanging', '--wait', '--timeout', '0s'])
    expect(code).toBe(1)
    expect(err).toMatch(/After 0s 1 job had not ended\.\n {2}→ It goes on without you: signalbox jobs show \S{36}\n$/)
  })

  test.each(['10', '1d', 'soon'])('a time limit of %j is wrong usage', async (time) => {
    expect(await cli.ask(['trigger', '--wait', '--timeout', time])).toMatchObject({
      code: 2,
      err: expect.stringContaining('30s, 10m or 1h'),
    })
  })
})

describe('deploy --wait', () => {
  test('prints the deployment, then its jobs until they have ended', async () => {
    const { code, out } = await deploy('quick', '--wait')
    expect(code).toBe(0)
    expect(out).toMatch(/^quick is deployed to production, as number 1\.\n[\s\S]*\njob [0-9a-f]{8} quick: completed\n$/)
  })

  test('ends with 1 when a job fails, as text and as JSON', async () => {
    expect(await deploy('failing', '--wait')).toMatchObject({
      code: 1,
      out: expect.stringContaining('failing: failed: No repository is set.'),
    })
    const { code, out } = await deploy('failing', '--wait', '--json')
    expect(code).toBe(1)
    expect(JSON.parse(out)).toMatchObject({ app_name: 'failing', jobs: [{ status: 'failed' }], deliveries: [] })
  })

  test('waits for all jobs, however many pages they are', async () => {
    const { code, out } = await deploy('many', '--wait')
    expect({ code, jobs: out.match(/^job +\S{36} /gm)?.length }).toEqual({ code: 1, jobs: 60 })
  })

  test('has nothing to wait for where no rule asked for the deployment', async () => {
    expect(await deploy('other', '--wait')).toMatchObject({
      code: 0,
      out: expect.stringContaining('No pull request: "quick" does not match: '),
    })
  })
})
