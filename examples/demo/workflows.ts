// The part of the demo about the default workflows: a push, a release, an issue and a task by hand.
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { BOT_TOKEN } from '../../src/deliveries/fixtures/fake-telegram.ts'
import { PUSHED } from './model.ts'
import { note, say, until } from './narrate.ts'
import type { Receivers } from './outage.ts'
import type { Stage } from './stage.ts'
import { endedJob, quote, run } from './stage.ts'

/** Shows all four, which no configuration file is needed for. */
export async function workflows(stage: Stage, { telegram }: Receivers): Promise<void> {
  await push(stage)
  await release(stage, telegram)
  await issue(stage)
  await byHand(stage)
}

async function push(stage: Stage): Promise<void> {
  note('\n1. A push to the default branch is reviewed')
  await writeFile(join(stage.clone, 'src/prices.mjs'), PUSHED)
  await run(stage, 'git commit -qam "Say the average of prices"')
  await run(stage, 'git push -q origin main')
  await endedJob(stage, 'github_push')
  const sha = (await stage.shop.head()) ?? ''
  const [comment] = await stage.shop.commitComments(sha)
  say(`its comment on the commit: ${comment?.html_url}`)
  quote(comment?.body ?? '')
}

async function release(stage: Stage, telegram: Receivers['telegram']): Promise<void> {
  note('\n2. A release is deployed, and Telegram says how that went')
  const env = { ...stage.env, TELEGRAM_BOT_TOKEN: BOT_TOKEN, TELEGRAM_URL: telegram.url }
  const only = `--events job.completed job.failed --conditions '{"data.job_type": "github_release"}'`
  await run(
    { ...stage, env },
    `echo "$TELEGRAM_BOT_TOKEN" | signalbox endpoints add --kind telegram --name deploys --url "$TELEGRAM_URL" \\
    --settings '{"chat_id": 12345}' --credential - \\
    ${only}`,
    { isShown: false },
  )
  say('jane publishes the release v1.1.0 on GitHub')
  await stage.shop.publishRelease({ tag: 'v1.1.0' }, 'jane')
  const { log } = await endedJob(stage, 'github_release')
  for (const { line } of log) say(`  its log: ${line}`)
  const [message] = await until('Telegram has a message', async () => telegram.messages.length > 0 && telegram.messages)
  quote(message?.text ?? '')
}

async function issue(stage: Stage): Promise<void> {
  note('\n3. An issue with the label agent-task becomes a pull request')
  const { number } = await stage.shop.openIssue({ title: 'The average of no prices is NaN' }, 'jane')
  say(`jane opens issue #${number} and labels it agent-task`)
  await stage.shop.labelIssue(number, 'agent-task', 'jane')
  await endedJob(stage, 'github_issues')
  say(`its comments on #${number}:`)
  quote(...(await stage.shop.issueComments(number)).map(({ body }) => body))
  await run(stage, `git fetch -q && git diff -U0 main origin/signalbox/issue-${number} | grep '^[+-]'`)
}

async function byHand(stage: Stage): Promise<void> {
  note('\n4. A task by hand')
  const task = '{"task": "Update documentation", "files": ["README.md"]}'
  const byCurl = `curl -sS -X POST "$SIGNALBOX_URL/webhook/manual" -H "Content-Type: application/json" \\
    -H "Authorization: Bearer $SIGNALBOX_API_TOKEN" \\
    -d '{"job_type": "custom_task", "payload": ${task}}'`
  const hasCurl = await promisify(execFile)('curl', ['--version']).then(
    () => true,
    () => false,
  )
  await run(stage, hasCurl ? byCurl : `signalbox trigger custom_task --payload '${task}'`)
  await endedJob(stage, 'custom_task')
  const pull = (await stage.shop.pulls('open')).at(-1)
  say(`pull request #${pull?.number} "${pull?.title}": ${pull?.html_url}`)
  await run(stage, 'signalbox jobs ls')
}
