// The demo: both directions, from a deployment to a pull request and from a push to a comment, and
// deliveries to a receiver that breaks. The processes and HTTP are real; GitHub and Telegram are
// fakes.
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FakeGithub, RepositoryHandle } from '@signalbox/fake-github'
import { openFakeGithub } from '@signalbox/fake-github'
import { signalbox as clientOf } from '@signalbox/sdk'
import { fail, note, over, say, until } from './narrate.ts'
import type { Receivers } from './outage.ts'
import { openReceivers, outage } from './outage.ts'
import { endParts, freePort, once, startHandler, startSignalbox } from './parts.ts'
import type { Json, Stage } from './stage.ts'
import { APP, quoted, run } from './stage.ts'
import { trust } from './trust.ts'

const keepsRunning = !process.argv.includes('--once')

async function api({ url, token }: Stage, path: string): Promise<Json> {
  const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } })
  return (await response.json()) as Json
}
async function newestPull(repository: RepositoryHandle) {
  return (await repository.pulls('open')).at(-1)
}

async function deploy(stage: Stage, revision: 1 | 2, message: string): Promise<string> {
  const file = join(import.meta.dirname, `revision-${revision}.json`)
  const args = [
    '--app',
    APP,
    '--env',
    'production',
    '--variant',
    'v2-optimized',
    '--config',
    file,
    '--message',
    message,
  ]
  const printed = await run(stage, ['deploy', ...args, '--by', 'jane@company.com', '--project', 'project_abc'])
  say(`recorded as ${printed.deployment_id}, number ${printed.sequence} of ${APP} in production`)
  return String(printed.deployment_id)
}

function showPull(
  way: string,
  pull: { number: number; title: string; html_url: string; head: { ref: string }; labels: { name: string }[] },
) {
  say(`${way}: pull request #${pull.number} "${pull.title}"`)
  say(`  branch ${pull.head.ref}, labels ${pull.labels.map((label) => label.name).join(', ')}`)
  say(`  ${pull.html_url}`)
}

async function deliveredIn(stage: Stage, deploymentId: string): Promise<Json> {
  const event = String((await api(stage, `/api/deployments/${deploymentId}`)).event_id)
  return until('the delivery succeeds', async () => {
    const { items } = (await api(stage, `/api/deliveries?event_id=${event}`)) as { items: Json[] }
    return items.find((item) => item.status === 'succeeded')
  })
}

async function deployments(stage: Stage): Promise<string> {
  note('\n1. A deployed configuration becomes a pull request\n')
  await deliveredIn(stage, await deploy(stage, 1, 'First release'))
  for (const repository of [stage.byHandler, stage.turnkey]) {
    const first = await until('the first pull request is open', () => newestPull(repository))
    await repository.mergePullRequest(first.number)
  }
  say('its pull requests are merged; the second revision changes the configuration')
  const second = await deploy(stage, 2, 'Improved response quality')

  const delivery = await deliveredIn(stage, second)
  say(`signed delivery to "${delivery.endpoint_name}" ${delivery.status} at attempt ${delivery.attempt}`)
  showPull('by your own handler', await until('the handler opens its pull request', () => newestPull(stage.byHandler)))
  const pull = await until('the agent opens its pull request', () => newestPull(stage.turnkey))
  showPull('by the built-in agent', pull)
  note(
    `\n${(pull.body ?? '')
      .replace(/<!--.*?-->/gs, '')
      .trim()
      .replaceAll(/^/gm, '   │ ')}\n`,
  )
  return second
}

async function merge(stage: Stage, deploymentId: string): Promise<void> {
  note('2. The merge is reported back\n')
  const pull = await until('the pull request is open', () => newestPull(stage.turnkey))
  await stage.turnkey.mergePullRequest(pull.number)
  const state = await until('the merge is stored against the deployment', async () => {
    const { pull_requests: pulls } = (await api(stage, `/api/deployments/${deploymentId}`)) as { pull_requests: Json[] }
    return pulls.find((one) => one.state === 'merged' && one.repository === stage.turnkey.fullName)
  })
  say(
    `GitHub's signed webhook says that ${state.merged_by} ${state.state} #${state.number}; it is stored with ${deploymentId}`,
  )
}

async function push(stage: Stage): Promise<void> {
  note('\n3. A push becomes a job of an agent\n')
  note('$ git push origin main')
  const sha = await stage.turnkey.commit({
    message: 'Shorten the greeting',
    files: { 'prompts/greeting.md': 'Hello!\n' },
  })
  const comment = await until(
    'the agent comments on the commit',
    async () => (await stage.turnkey.commitComments(sha))[0],
  )
  const { items: jobs } = (await api(stage, '/api/jobs?type=summarise-push&limit=1')) as { items: Json[] }
  const job = await until('the job completes', async () => {
    const found = await api(stage, `/api/jobs/${jobs[0]?.id}`)
    return found.status === 'completed' && found
  })
  say(`job ${job.id} (${job.assigned_agent}) ${job.status} at attempt ${job.attempt}`)
  for (const { line } of job.log as { line: string }[]) say(`  its log: ${line}`)
  say(`comment on ${sha.slice(0, 7)}: ${comment.html_url}`)
  note(
    `\n${comment.body
      .replace(/<!--.*?-->/gs, '')
      .trim()
      .replaceAll(/^/gm, '   │ ')}\n`,
  )
}

async function lookAround(stage: Stage): Promise<void> {
  const database = (await stage.cli(['db', 'url'])).trim()
  note('Look around, in another terminal\n')
  say(`Pull requests  ${stage.turnkey.htmlUrl}/pulls`)
  say(`cd ${quoted(join(import.meta.dirname, '../..'))}`)
  say(`export SIGNALBOX_URL=${stage.url} SIGNALBOX_API_TOKEN="$(cat ${quoted(stage.tokenFile)})"`)
  for (const words of ['jobs ls', 'events ls', 'deliveries ls', 'endpoints ls', 'rules ls'])
    say(`bin/signalbox ${words}`)
  say('bin/signalbox trigger --wait')
  say(`psql "${database}" -c "SELECT id, job_type, status, assigned_agent FROM agent_jobs ORDER BY created_at DESC"`)
  say(`psql "${database}" -c "SELECT source, event_type, processed FROM webhook_events ORDER BY received_at DESC"`)
}

async function show(github: FakeGithub, receivers: Receivers, folder: string): Promise<void> {
  note(`Your own handler and Signalbox start; ${github.url} takes the place of GitHub.\n`)
  const greeting = { 'prompts/greeting.md': 'Hello, and a very warm welcome!\n' }
  const repository = (name: string) =>
    github.addRepository({ owner: 'acme', name, files: { 'README.md': `# ${name}\n`, ...greeting } })
  const [byHandler, turnkey] = [await repository('prompts-by-handler'), await repository('prompts')]
  const handler = await startHandler({ github, repository: byHandler.fullName, folder })
  const signalbox = await startSignalbox({
    github,
    repository: turnkey.fullName,
    folder,
    handlerUrl: handler.url,
    port: await freePort(8000),
  })
  for (const one of [byHandler, turnkey])
    await one.addWebhook({ url: `${signalbox.url}/webhook/github`, secret: signalbox.secret })

  const { url, tokenFile, cli } = signalbox
  const token = (await readFile(tokenFile, 'utf8')).trim()
  const stage: Stage = { url, token, tokenFile, box: clientOf({ url, token }), cli, byHandler, turnkey }
  await merge(stage, await deployments(stage))
  await push(stage)
  await trust(stage)
  await outage(stage, receivers)
  if (keepsRunning) await lookAround(stage)
}

async function main(): Promise<void> {
  // Before anything starts, so that Ctrl-C at any time ends everything.
  const stopped = once('SIGINT', 'SIGTERM', 'SIGHUP').then(() => 'stopped')
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-demo-'))
  // Run by root, PostgreSQL has another account, which must be able to enter the folder.
  await chmod(folder, 0o711)
  const github = await openFakeGithub()
  const receivers = await openReceivers()
  const showing = show(github, receivers, folder)
  try {
    if ((await Promise.race([stopped, showing])) === 'stopped') process.exitCode = 130
    else if (keepsRunning) {
      note('\nEverything keeps running; press Ctrl-C to end it.')
      await stopped
    } else note('Done. Without --once everything keeps running, so that you can look around.')
  } finally {
    over.abort()
    await endParts()
    await showing.catch(() => {})
    await github.settled()
    await github.close()
    await receivers.close()
    await rm(folder, { recursive: true, force: true })
  }
}

main().catch(fail)
