// The agents of examples/agents, which the documents print: tested as they say, and run here by
// `signalbox agents run`, which writes nothing.
import { execFile, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openFakeModel } from './fake-model/fake-model.ts'
import { openTestFolder } from './folder.ts'
import { run } from './process.ts'
import { openTestSignalbox, TOKEN } from './signalbox.ts'

// Each run starts processes.
const examples = fileURLToPath(new URL('../examples/agents/', import.meta.url))
// The system's, which a program in bubblewrap sees; a version manager's is in somebody's home.
const PATH = `/usr/bin:/bin:${process.env.PATH}`
const hasPython = spawnSync('python3', ['--version'], { env: { PATH } }).status === 0

test.each([
  ['triage.ts', 'docs/agents.md', 'ts'],
  ['triage.test.ts', 'docs/agents.md', 'ts'],
  ['count_changes.py', 'docs/programs.md', 'python'],
])('%s has fewer than 40 lines, which %s prints', (name, document, language) => {
  const docs = readFileSync(new URL(`../${document}`, import.meta.url), 'utf8')
  const text = readFileSync(join(examples, name), 'utf8')
  expect(docs).toContain(`\`\`\`${language}\n${text}\`\`\``)
  expect(text.trimEnd().split('\n').length).toBeLessThan(40)
})

test('the test of the agent passes, with nothing but Node.js', async () => {
  const args = ['--conditions=signalbox-source', '--test', join(examples, 'triage.test.ts')]
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { PATH: process.env.PATH } })
  expect(stdout).toMatch(/pass 1\n/)
})

/** Runs an agent of the examples on an event. */
async function runAgent(args: string[], { event, env = {} }: { event?: object; env?: Record<string, string> }) {
  const cwd = await openTestFolder()
  if (event !== undefined) await writeFile(join(cwd, 'event.json'), JSON.stringify(event))
  const config = join(examples, 'signalbox.config.ts')
  const ran = run(['agents', 'run', ...args, '--config', config], { cwd, env: { PATH, ...env } })
  const code = await ran.exited
  return { code, output: ran.output() }
}

const ISSUE = {
  action: 'opened',
  issue: {
    number: 7,
    title: 'It crashes',
    body: 'See ghp_16C7e42F292c6912E7710c838347Ae178B4a',
    user: { login: 'jane' },
  },
  repository: { full_name: 'acme/shop', default_branch: 'main' },
  sender: { login: 'jane' },
}

describe('agents run', () => {
  test('runs an agent in TypeScript with its model, shows its outputs, and writes nothing', async () => {
    const server = await openFakeModel()
    onTestFinished(server.close)
    server.answers({ text: '{"kind": "bug"}', inputTokens: 90, outputTokens: 6 })
    const env = { SIGNALBOX_MODEL: 'own-x', SIGNALBOX_MODEL_URL: `${server.url}/v1` }
    const { code, output } = await runAgent(['triage', '--event', 'event.json'], { event: ISSUE, env })
    expect(output).toContain('#7 is a bug\nIt returned these outputs, and nothing was written:\n{\n  "kind": "labels"')
    expect(output).toContain('Model: 90 in, 6 out tokens')
    expect(code).toBe(0)
    expect(server.requests[0]?.messages[0]).toMatch(/label="title">\nIt crashes\n<\/untrusted-/)
  })

  test.runIf(hasPython)('runs a program in Python, and prints all of it as JSON', async () => {
    const commits = [{ added: ['a'], modified: ['b', 'c'], removed: [] }]
    const after = '59b20b8d5c6ff8d09518454d4dd8b7b30f095ab5'
    const { repository, sender } = ISSUE
    const push = { ref: 'refs/heads/main', before: after, after, repository, sender, pusher: { name: 'jane' }, commits }
    const { output } = await runAgent(['count-changes', '--event', 'event.json', '--json'], { event: push })
    const ran = JSON.parse(output.slice(output.indexOf('{')))
    expect(ran).toMatchObject({
      written: false,
      outputs: [{ kind: 'comment', target: { commit: after }, body: 'This push changed 3 files.' }],
      result: { files: 3 },
      log: ['3 files in 1 commits'],
    })
  })

  test('without a model says in one sentence what to set', async () => {
    const { code, output } = await runAgent(['triage', '--event', 'event.json'], { event: ISSUE })
    expect(output).toMatch(/No model is set: set SIGNALBOX_MODEL/)
    expect(output).not.toMatch(/\n\s+at /)
    expect(code).toBe(1)
  })

  test('names what there is where an agent or a rule is not known', async () => {
    const unknown = await runAgent(['nobody'], {})
    expect([unknown.code, unknown.output]).toEqual([1, expect.stringContaining('There is no agent "nobody".')])
    const rule = await runAgent(['triage', '--rule', 'x'], {})
    expect([rule.code, rule.output]).toEqual([1, expect.stringContaining('has no rule "x"')])
  })

  test('takes an event that the server has recorded', async () => {
    const signalbox = await openTestSignalbox()
    onTestFinished(() => signalbox.close())
    const answer = await signalbox.api('/webhook/manual', { method: 'POST', body: { job_type: 'ping' } })
    const { event_id: id } = (await answer.json()) as { event_id: string }
    const env = { SIGNALBOX_URL: signalbox.url, SIGNALBOX_API_TOKEN: TOKEN }
    const { output } = await runAgent(['ping', '--event', id, '--json'], { env })
    expect(JSON.parse(output.slice(output.indexOf('{')))).toMatchObject({ outputs: [], result: { pong: true } })
    expect(await signalbox.count('jobs')).toBe(1)
  })
})
