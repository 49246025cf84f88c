// A Signalbox that deploys from a strict GitHub: the operator's program keeps a journal of what it
// was given, and does what a file of the test says.
import { appendFile, chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FakeGithub, RepositoryHandle } from '@signalbox/fake-github'
import { openFakeGithub } from '@signalbox/fake-github'
import { expect } from 'vitest'
import { openApiGuard } from '../fake-github/openapi.ts'
import { deploy } from '../src/agents/deploy/deploy.ts'
import type { EnvironmentOptions } from '../src/agents/deploy/options.ts'
import type { ScriptInput } from '../src/agents/deploy/script.ts'
import { DEPLOY_RULES } from '../src/config/deploy-rules.ts'
import type { JobDetail } from '../src/jobs/wire.ts'
import type { Rule } from '../src/rules/rule.ts'
import { openTestFolder } from './folder.ts'
import type { TestSignalbox } from './signalbox.ts'
import { openTestSignalbox, SECRET, until } from './signalbox.ts'

/** A deployment of GitHub's with the states it has had, the oldest first. */
export type Shown = { sha: string; task: string; version: string; states: string[]; said: string[] }

/** What the tests of deployments share. */
export type DeployStage = {
  github: FakeGithub
  shop: RepositoryHandle
  signalbox: TestSignalbox
  /** The program, and what it does after it has kept its input: shell. */
  script: string
  behave(shell: string): Promise<void>
  /** What the program was given, in order. */
  ran(): Promise<ScriptInput[]>
  /** The deployments, the oldest first. */
  deployments(): Promise<Shown[]>
  /** Publishes a release of a new commit. */
  release(version: string): Promise<string>
  /** Waits until so many jobs of the agent have ended, and returns them, the oldest first. */
  ended(count: number): Promise<JobDetail[]>
  job(where: string): Promise<JobDetail>
  close(): Promise<void>
}

/** Makes the program in a folder of its own. */
export async function openScript() {
  const folder = await openTestFolder()
  const [script, journal, control] = ['deploy.sh', 'journal', 'control'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  await writeFile(
    script,
    `#!/bin/sh
input="$(cat)"
[ "$input" = "$(cat "$SIGNALBOX_INPUT")" ] || exit 90
[ $# -eq 0 ] || exit 91
echo "$input" >> ${journal}
. ${control}
`,
  )
  await chmod(script, 0o755)
  await Promise.all([writeFile(journal, ''), writeFile(control, '')])
  return {
    folder,
    script,
    behave: (shell: string) => writeFile(control, shell),
    note: (line: string) => appendFile(journal, line),
    async ran(): Promise<ScriptInput[]> {
      const lines = (await readFile(journal, 'utf8')).split('\n').filter((line) => line !== '')
      return lines.map((line) => JSON.parse(line) as ScriptInput)
    },
  }
}

/** The deployments of a repository, as GitHub shows them. */
export async function shownDeployments(github: FakeGithub, token: string, repo = 'acme/shop'): Promise<Shown[]> {
  const get = async <T>(path: string): Promise<T> => {
    const answer = await fetch(`${github.apiUrl}/repos/${repo}${path}`, {
      headers: { authorization: `Bearer ${token}` },
    })
    expect(answer.status).toBe(200)
    return answer.json() as Promise<T>
  }
  type Deployment = { id: number; sha: string; task: string; description: string }
  const all = await get<Deployment[]>('/deployments?per_page=100')
  return Promise.all(
    all.toReversed().map(async ({ id, sha, task, description: version }) => {
      type Status = { state: string; description: string }
      const statuses = (await get<Status[]>(`/deployments/${id}/statuses?per_page=100`)).toReversed()
      const [states, said] = [statuses.map(({ state }) => state), statuses.map((each) => each.description)]
      return { sha, task, version, states, said }
    }),
  )
}

/** Opens the stage with `acme/shop`; `signalbox` writes, `jane` may, `eve` may not. */
export async function openDeployStage(
  options: { environment?: Partial<EnvironmentOptions>; rules?: readonly Rule[]; env?: Record<string, string> } = {},
): Promise<DeployStage> {
  const guard = openApiGuard()
  const github = await openFakeGithub({ onExchange: guard.onExchange })
  const shop = await github.addRepository({
    owner: 'acme',
    name: 'shop',
    collaborators: { jane: 'write', will: 'write', signalbox: 'admin' },
    files: { 'README.md': '# Shop\n' },
  })
  const token = github.addToken({ login: 'signalbox' })
  const program = await openScript()
  const production = { run: [program.script] as const, ...options.environment }
  const signalbox = await openTestSignalbox({
    config: {
      agents: [deploy({ environments: { production }, isolation: 'none' })],
      rules: [...(options.rules ?? DEPLOY_RULES)],
    },
    env: { GITHUB_TOKEN: token, GITHUB_API_URL: github.apiUrl, GITHUB_REPO: 'acme/shop', ...options.env },
  })
  await shop.addWebhook({ url: `${signalbox.url}/webhook/github`, secret: SECRET })
  const ids = async (where: string) => {
    const { rows } = await signalbox.database.query<{ id: string }>(
      `select id from signalbox.jobs where agent = 'deploy' and ${where} order by event_at, event_id`,
    )
    return rows.map(({ id }) => id)
  }
  const show = async (id: string) => (await (await signalbox.api(`/api/jobs/${id}`)).json()) as JobDetail
  return {
    github,
    shop,
    signalbox,
    script: program.script,
    behave: program.behave,
    ran: program.ran,
    deployments: () => shownDeployments(github, token),
    async release(version) {
      const sha = await shop.commit({ message: version, files: { 'version.txt': version } })
      await shop.publishRelease({ tag: version })
      return sha
    },
    async ended(count) {
      await until(
        `${count} deployments have ended`,
        async () =>
          (await ids(`finished_at is not null`)).length === count && (await ids('finished_at is null')).length === 0,
        30_000,
      )
      return Promise.all((await ids('true')).map(show))
    },
    async job(where) {
      const id = await until(`a job is ${where}`, async () => (await ids(where))[0] ?? null)
      return show(id)
    },
    async close() {
      await github.settled()
      await signalbox.close()
      await github.close()
      expect(guard.violations).toEqual([])
    },
  }
}
