// Deployments on the command line: lists, one with its pull request, and why there is none.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { TestSignalbox } from '../../test/signalbox.ts'
import { openTestSignalbox, until } from '../../test/signalbox.ts'
import { cliOf } from '../../test/terminal.ts'
import { defineAgent } from '../agents/agent.ts'
import type { DeploymentDetail } from '../deployments/wire.ts'
import { GiveUp } from '../lib/error.ts'

const failing = defineAgent({
  name: 'failing',
  description: 'Fails.',
  input: z.unknown(),
  run: async () => {
    throw new GiveUp('Nobody may read hunter-2.')
  },
})

let signalbox: TestSignalbox
let cli: ReturnType<typeof cliOf>
beforeAll(async () => {
  const rules = [{ name: 'failing', on: 'environment.deployed', when: { app: 'broken' }, agent: 'failing' }]
  signalbox = await openTestSignalbox({ config: { agents: [failing], rules } })
  cli = cliOf(signalbox)
})
afterAll(() => signalbox.close())

async function deploy(app: string, config: object, more: string[] = []): Promise<DeploymentDetail> {
  const args = ['deploy', '--app', app, '--env', 'production', '--by', 'jane', '--config', '-', ...more]
  return (await cli.json(args, { readInput: async () => JSON.stringify(config) })) as DeploymentDetail
}

/** What GitHub's webhook stores of a pull request of a deployment. */
async function report(id: string, number: number, state: string, merged: [string, string] | null) {
  await signalbox.database.query(
    `insert into signalbox.deployment_pull_requests
       (deployment_id, repository, number, url, state, merged_by, merged_at, event_id, updated_at)
     values ($1, 'acme/bot', $2, $3, $4, $5, $6, gen_random_uuid(), now())`,
    [
      id.replace('deploy_', ''),
      number,
      `https://github.com/acme/bot/pull/${number}`,
      state,
      merged?.[0] ?? null,
      merged?.[1] ?? null,
    ],
  )
}

describe('the list', () => {
  test('is of an app, an environment or a project, newest first, with the pull requests', async () => {
    const first = await deploy('listed', { a: 1 })
    const second = await deploy('listed', { a: 2 }, ['--project', 'other'])
    await report(first.deployment_id, 7, 'merged', ['ann', '2026-01-02T03:04:05Z'])
    const { code, out } = await cli.ask(['deployments', 'ls', '--app', 'listed', '--env', 'production'])
    expect(code).toBe(0)
    const [head, ...rows] = out.trimEnd().split('\n')
    expect(head).toMatch(/^ID +AGE +APP +ENVIRONMENT +NO +BY +PULL REQUEST$/)
    expect(rows).toHaveLength(2)
    expect(rows[1]).toMatch(/acme\/bot#7 merged$/)
    const one = await cli.json(['deployments', 'ls', '--project', 'other'])
    expect(one).toMatchObject({ items: [{ deployment_id: second.deployment_id }] })
    expect((await cli.ask(['deployments', 'ls', '--env', 'nowhere'])).out).toBe('There are no such deployments.\n')
  })
})

describe('one deployment', () => {
  test('is shown with its configuration, its changes, who, why, its place and its pull request', async () => {
    const first = await deploy('shown', { temperature: 0.7 })
    const second = await deploy('shown', { temperature: 0.5, api_key: 'hunter-2' }, ['--message', 'Calmer'])
    await report(second.deployment_id, 9, 'merged', ['ann', '2026-01-02T03:04:05Z'])
    const { code, out } = await cli.ask(['deployments', 'show', second.deployment_id])
    expect(code).toBe(0)
    const plain = out.replaceAll(/ +/g, ' ')
    for (const line of [
      `deployment ${second.deployment_id}`,
      'number 2',
      `config ${second.config_sha256}`,
      'message Calmer',
      'deployed by jane',
      `previous ${first.deployment_id}`,
      'pull request #9 https://github.com/acme/bot/pull/9 (merged by ann)',
      'state merged',
      'merged 2026-01-02T03:04:05.000Z',
      '~ temperature: 0.7 → 0.5',
      '+ api_key: [redacted]',
    ]) {
      expect(plain).toContain(line)
    }
    expect(out).not.toContain('hunter')
    expect(await cli.json(['deployments', 'show', second.deployment_id])).toMatchObject({
      sequence: 2,
      pull_requests: [{ number: 9, state: 'merged', merged_by: 'ann', merged_at: '2026-01-02T03:04:05.000Z' }],
    })
  })

  test('says why it has no pull request: what its job came to, or why there is none', async () => {
    const broken = await deploy('broken', { api_key: 'hunter-2' })
    await until('the job has failed', async () => (await signalbox.count('signalbox.jobs', `status = 'failed'`)) === 1)
    const { out } = await cli.ask(['deployments', 'show', broken.deployment_id])
    expect(out).toMatch(/no pull request +Nobody may read \[redacted\]\.\n/)
    expect(out).toMatch(/JOB +TYPE +STATUS +ERROR\n +\S+ +failing +failed/)
    const other = await deploy('other', {})
    expect((await cli.ask(['deployments', 'show', other.deployment_id])).out).toMatch(
      /no pull request +rule "failing": the app is other, wanted broken; no endpoint asked for it\n/,
    )
  })
})

test('`deploy` says of a pull request that is no longer open what became of it', async () => {
  const { deployment_id: id } = await deploy('settled', {}, ['--idempotency-key', 'settled-1'])
  await report(id, 11, 'open', null)
  const again = async () => {
    const args = ['deploy', '--app', 'settled', '--env', 'production', '--by', 'jane', '--config', '-']
    return cli.ask([...args, '--idempotency-key', 'settled-1'], { readInput: async () => '{}' })
  }
  expect((await again()).out).toMatch(/\nPull request: https:\/\/github\.com\/acme\/bot\/pull\/11\n$/)
  await signalbox.database.query(
    `update signalbox.deployment_pull_requests set state = 'merged', merged_by = 'ann' where number = 11`,
  )
  expect((await again()).out).toMatch(/\nPull request: https:\/\/github\.com\/acme\/bot\/pull\/11 \(merged by ann\)\n$/)
})
