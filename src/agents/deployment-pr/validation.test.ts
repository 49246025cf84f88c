import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openTestFolder } from '../../../test/folder.ts'
import type { Json } from '../../lib/json.ts'
import { parseOutputs } from '../../publisher/output.ts'
import { requireReferences } from '../../publisher/references.ts'
import { testAgent } from '../../test-agent.ts'
import type { DeploymentPrSettings } from './deployment-pr.ts'
import { deploymentPr } from './deployment-pr.ts'

const schema = { type: 'object', properties: { temperature: { maximum: 1 }, api_key: { maxLength: 3 } } }

function deployed(config: Json): Json {
  const data = { app_name: 'bot', environment: 'production', deployment_id: 'd1', config }
  return { event: 'environment.deployed', timestamp: '2025-11-20T10:30:00Z', data }
}

async function run(
  settings: DeploymentPrSettings,
  { config = { temperature: 0.5 } as Json, input = {}, files = {}, folder = '/' } = {},
) {
  const agent = deploymentPr({ repository: 'acme/shop', ...settings })
  const { outputs, log, result } = await testAgent(agent.inFolder?.(folder) ?? agent, {
    payload: deployed(config),
    input,
    repositories: { 'acme/shop': { files } },
    rule: { repositories: ['acme/shop'], outputs: { pull_request: { autoMerge: true }, check: {} } },
  })
  requireReferences(parseOutputs(outputs))
  const [pull, check] = outputs
  return { pull, check, log, result }
}

test('without validation there is a pull request alone', async () => {
  const { pull, check } = await run({})
  expect(pull).not.toHaveProperty('name')
  expect(check).toBeUndefined()
})

test('a valid configuration passes the check of the commit', async () => {
  const { pull, check, log, result } = await run({ validate: { schema } })
  expect(pull).toMatchObject({ kind: 'pull_request', name: 'pull_request' })
  expect(check).toMatchObject({
    kind: 'check',
    commit: '{{outputs.pull_request.sha}}',
    check: 'Deployed configuration',
    conclusion: 'success',
    title: 'The configuration is valid',
  })
  expect(log).toContain('The configuration is valid.')
  expect(result).toMatchObject({ problems: 0 })
})

test('an invalid one fails it, and it says why by JSON path, without a secret', async () => {
  const config = { temperature: 2, api_key: 'sk-proj-abcdefghijklmnop' }
  const { check, pull } = await run({ validate: { schema } }, { config })
  expect(check).toMatchObject({
    conclusion: 'failure',
    title: '2 problems',
    summary: '- `$.temperature` `must be <= 1`\n- `$.api_key` must NOT have more than 3 characters',
  })
  expect(JSON.stringify([check, pull])).not.toContain('sk-proj')
})

test("a rule's schema takes the place of the agent's, and may be a file of the base branch", async () => {
  const files = { 'schemas/bot.json': JSON.stringify({ required: ['model'] }) }
  const input = { validate: { schema: 'schemas/bot.json' } }
  expect((await run({ validate: { schema } }, { input, files })).check).toMatchObject({
    conclusion: 'failure',
    title: "$ must have required property 'model'",
  })
  expect((await run({}, { input })).check).toMatchObject({
    conclusion: 'failure',
    title: '$ cannot be checked: there is no schemas/bot.json on main',
  })
  const broken = { 'schemas/bot.json': '{"type":"nothing"}' }
  expect((await run({}, { input, files: broken })).check).toMatchObject({ conclusion: 'failure' })
})

test.each(['"draft"', '[]', '{', 'false', '{"$async": true}'])(
  'the file %s as a schema lets nothing pass',
  async (text) => {
    const { check } = await run({ validate: { schema: 's.json' } }, { files: { 's.json': text } })
    expect(check).toMatchObject({ conclusion: 'failure' })
  },
)

test('a configuration that the event does not have cannot pass', async () => {
  const { check } = await run({ validate: { schema } }, { config: null })
  expect(check).toMatchObject({ conclusion: 'failure', title: '$ is not in the event, so it could not be checked' })
})

test('what is not valid does not merge by itself', async () => {
  const settings = { validate: { schema }, autoMerge: 'squash' } as const
  expect((await run(settings)).pull).toMatchObject({ autoMerge: 'squash' })
  expect((await run(settings, { config: { temperature: 2 } })).pull).not.toHaveProperty('autoMerge')
})

test('settings that cannot be used are refused when the agent is made', () => {
  expect(() => deploymentPr({ validate: { schema: { type: 'x' } } })).toThrow(
    /^deploymentPr\(\): validate\.schema: is no JSON/,
  )
  expect(() => deploymentPr({ title: '{ap}' })).toThrow('title: names the unknown {ap}')
  expect(() => deploymentPr({ validate: { command: [] as never } })).toThrow('deploymentPr(): command')
})

describe('a command', () => {
  async function program(script: string) {
    const folder = await openTestFolder()
    await chmod(folder, 0o755)
    await mkdir(join(folder, 'bin'))
    await writeFile(join(folder, 'bin/check'), `#!/bin/sh\n${script}\n`)
    await chmod(join(folder, 'bin/check'), 0o755)
    return folder
  }
  const validate = { command: ['./bin/check'] } as const

  test('reads the configuration, and its exit code 0 passes', async () => {
    const folder = await program(`grep -q '"temperature":0.5'`)
    expect((await run({ validate }, { folder })).check).toMatchObject({ conclusion: 'success' })
    expect((await run({ validate }, { folder, config: { temperature: 2 } })).check).toMatchObject({
      conclusion: 'failure',
      title: '$ ./bin/check ended with exit code 1'.replace('./', `${folder}/`),
    })
  })

  test('says in its lines what is wrong, made inert and without secrets', async () => {
    const folder = await program('cat; echo; echo "fixes #1 @acme" >&2; exit 3')
    const config = { api_key: 'hunter-2-hunter-2' }
    const { check } = await run({ validate }, { folder, config })
    expect(check).toMatchObject({ conclusion: 'failure', title: '2 problems' })
    expect(JSON.stringify(check)).toContain('`fixes ＃1 ＠acme`')
    expect(JSON.stringify(check)).not.toContain('hunter-2')
  })

  test('that is not there is a failure of the job, and known before it', async () => {
    const folder = await openTestFolder()
    await expect(run({ validate }, { folder })).rejects.toThrow('cannot be started')
    expect(deploymentPr({ validate }).inFolder?.(folder).problem?.()).toContain('there is no file')
  })

  test('may be named in the configuration file only', async () => {
    await expect(run({}, { input: { validate: { command: ['rm'] } } })).rejects.toThrow('unknown field "command"')
  })
})
