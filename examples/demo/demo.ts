// The demo: the default workflows, deployments that become pull requests, who may start an agent,
// and deliveries to a receiver that breaks. The processes, Git and HTTP are real; GitHub, Telegram
// and the model are stand-ins.
import { execFile } from 'node:child_process'
import { chmod, copyFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { FakeGithub } from '@signalbox/fake-github'
import { openFakeGithub } from '@signalbox/fake-github'
import { signalbox as clientOf } from '@signalbox/sdk'
import { deployments } from './deployments.ts'
import { BEFORE, openModel } from './model.ts'
import { fail, note, over, say } from './narrate.ts'
import type { Receivers } from './outage.ts'
import { openReceivers, outage } from './outage.ts'
import { endParts, freePort, once, ROOT, startHandler, startSignalbox } from './parts.ts'
import type { Stage } from './stage.ts'
import { trust } from './trust.ts'
import { workflows } from './workflows.ts'

const keepsRunning = !process.argv.includes('--once')

type StandIns = { github: FakeGithub; modelUrl: string; receivers: Receivers }

async function openStage({ github, modelUrl }: StandIns, folder: string): Promise<Stage> {
  const files = { 'README.md': '# Shop\n', 'src/prices.mjs': BEFORE }
  const collaborators = { jane: 'write', signalbox: 'write' } as const
  const shop = await github.addRepository({ owner: 'acme', name: 'shop', files, collaborators })
  const byHandler = await github.addRepository({ owner: 'acme', name: 'prompts', files, collaborators })
  const handler = await startHandler({ github, repository: byHandler.fullName, folder })
  const { url, secret, tokenFile } = await startSignalbox({
    ...{ github, folder, modelUrl, repository: shop.fullName, handlerUrl: handler.url },
    port: await freePort(8000),
  })
  for (const one of [byHandler, shop]) await one.addWebhook({ url: `${url}/webhook/github`, secret })

  const token = (await readFile(tokenFile, 'utf8')).trim()
  const clone = join(folder, 'shop')
  const jane = Buffer.from(`jane:${github.addToken({ login: 'jane' })}`).toString('base64')
  const env = {
    PATH: `${join(ROOT, 'bin')}:${process.env.PATH}`,
    HOME: folder,
    SIGNALBOX_URL: url,
    SIGNALBOX_API_TOKEN: token,
    ...{ GIT_AUTHOR_NAME: 'jane', GIT_AUTHOR_EMAIL: 'jane@example.com' },
    ...{ GIT_COMMITTER_NAME: 'jane', GIT_COMMITTER_EMAIL: 'jane@example.com' },
    // What a credential helper does for her.
    ...{ GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'http.extraHeader' },
    GIT_CONFIG_VALUE_0: `Authorization: Basic ${jane}`,
  }
  await promisify(execFile)('git', ['clone', '-q', shop.cloneUrl, clone], { env })
  for (const name of ['revision-1.json', 'revision-2.json']) {
    await copyFile(join(import.meta.dirname, name), join(folder, name))
  }
  return { url, tokenFile, box: clientOf({ url, token }), clone, env, shop, byHandler }
}

async function show(standIns: StandIns, folder: string): Promise<void> {
  note(`Signalbox and your own handler start; ${standIns.github.url} takes the place of GitHub.`)
  say('A scripted model answers here; SIGNALBOX_MODEL with OPENAI_API_KEY or ANTHROPIC_API_KEY sets a real one.')
  const stage = await openStage(standIns, folder)
  await workflows(stage, standIns.receivers)
  await deployments(stage)
  await trust(stage)
  await outage(stage, standIns.receivers)
  if (keepsRunning) lookAround(stage)
}

function lookAround({ url: address, tokenFile, shop }: Stage): void {
  note('\nLook around, in another terminal')
  say(`Pull requests  ${shop.htmlUrl}/pulls`)
  say(`export PATH='${join(ROOT, 'bin')}':"$PATH"`)
  say(`export SIGNALBOX_URL=${address} SIGNALBOX_API_TOKEN="$(cat '${tokenFile}')"`)
  for (const words of ['jobs ls', 'events ls', 'deliveries ls', 'rules ls', 'trigger --wait']) say(`signalbox ${words}`)
  const url = `$(SIGNALBOX_DATA_DIR='${dirname(tokenFile)}' signalbox db url)`
  say(`psql "${url}" -c "SELECT job_type, status, payload FROM agent_jobs ORDER BY created_at DESC"`)
}

async function main(): Promise<void> {
  // Before anything starts, so that Ctrl-C at any time ends everything.
  const stopped = once('SIGINT', 'SIGTERM', 'SIGHUP').then(() => 'stopped')
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-demo-'))
  // Run by root, PostgreSQL and programs have other accounts, which must be able to get in.
  await chmod(folder, 0o711)
  const [github, model, receivers] = await Promise.all([openFakeGithub(), openModel(), openReceivers()])
  const showing = show({ github, modelUrl: `${model.url}/v1`, receivers }, folder)
  try {
    if ((await Promise.race([stopped, showing])) === 'stopped') process.exitCode = 130
    else if (keepsRunning) {
      note('\nEverything keeps running; press Ctrl-C to end it.')
      await stopped
    } else note('\nDone. Without --once everything keeps running, so that you can look around.')
  } finally {
    over.abort()
    await endParts()
    await showing.catch(() => {})
    await github.settled()
    await github.close()
    await receivers.close()
    model.close()
    await rm(folder, { recursive: true, force: true })
  }
}

main().catch(fail)
