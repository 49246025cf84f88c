// The part of the demo about trust: somebody without permission and a maintainer ask for the same
// work, whose rule is staged; and what is kept of a write.
import type { JobDetail } from '@signalbox/sdk'
import { note, say } from './narrate.ts'
import type { Stage } from './stage.ts'
import { endedJob, quote, run } from './stage.ts'

/** Shows who may start an agent, what a staged rule would write, and the record of a write. */
export async function trust(stage: Stage): Promise<void> {
  note('\n6. Anybody may ask for a review, but only maintainers get one')
  const pulls = await stage.shop.pulls('open')
  const number = pulls.find(({ head }) => head.ref.startsWith('signalbox/issue-'))?.number ?? 0
  const refused = await ask(stage, number, 'mallory')
  await run(stage, `signalbox rules explain ${refused.event_id} | grep -m 1 mallory`)
  showStaged(await ask(stage, number, 'jane', [refused.id]))
  await showRecord(stage)
}

/** Somebody comments `/review`; resolves to the job that it made, when that has ended. */
async function ask(stage: Stage, number: number, who: string, before: readonly string[] = []): Promise<JobDetail> {
  say(`${who} comments on pull request #${number}: /review`)
  await stage.shop.comment(number, '/review', who)
  return endedJob(stage, 'github_pull_request', before)
}

function showStaged({ outputs }: JobDetail): void {
  const staged = outputs.filter(({ status }) => status === 'staged')
  say(`signalbox.config.ts says staged, so what it would write is shown, and not written (${staged.length} outputs):`)
  const [, text = ''] = /\n\n(.*)/s.exec(String(staged.at(-1)?.preview)) ?? []
  quote(text)
}

async function showRecord({ box }: Stage): Promise<void> {
  const [job] = (await box.jobs.list({ type: 'github_push', status: 'completed', limit: 1 })).items
  const { writes } = await box.jobs.get(job?.id ?? '')
  const write = writes.find(({ receipt }) => receipt?.url.includes('commitcomment'))
  const [config, output] = [write?.config_sha256, write?.output_sha256].map((hash) => hash?.slice(0, 12))
  say(`each write is on record, which nobody can change; the comment on the last push, for one, is`)
  say(`  of the rule ${write?.rule}, configuration ${config}, output ${output}`)
}
