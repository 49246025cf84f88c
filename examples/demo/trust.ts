// The part of the demo about trust: somebody without permission and a maintainer ask for the same
// work, whose rule is staged; and what is kept of a write.
import type { JobDetail } from '@signalbox/sdk'
import { note, say, until } from './narrate.ts'
import type { Stage } from './stage.ts'

/** Shows who may start an agent, what a staged rule would write, and the record of a write. */
export async function trust(stage: Stage): Promise<void> {
  note('4. Anybody may ask for a review, but only maintainers get one\n')
  const { turnkey, box } = stage
  const { number } = await turnkey.openIssue({ title: 'Is the greeting too short?' })
  const refused = await ask(stage, number, 'mallory')
  const { rules } = await box.events.explain(String(refused.event_id))
  note(`$ signalbox rules explain ${refused.event_id}`)
  for (const { rule, sentence } of rules) if (rule === 'review') say(sentence)
  showStaged(await ask(stage, number, 'acme'))
  say(`comments of Signalbox on #${number}: ${(await turnkey.issueComments(number)).length - 2}`)
  await showRecord(stage)
}

/** Somebody comments `/review`; resolves to the job that it made, when that has ended. */
async function ask({ turnkey, box }: Stage, number: number, who: string): Promise<JobDetail> {
  note(`${who} comments on #${number}: /review`)
  const asked = (await box.jobs.list({ type: 'review' })).items.length
  await turnkey.comment(number, '/review', who)
  const job = await until(`the review that ${who} asked for has ended`, async () => {
    const { items } = await box.jobs.list({ type: 'review' })
    return items.length > asked && items[0]?.completed_at !== null && items[0]
  })
  say(`job ${job.id} ${job.status}${job.error === null ? '' : `: ${job.error}`}`)
  return box.jobs.get(job.id)
}

function showStaged({ outputs }: JobDetail): void {
  for (const { status, preview } of outputs) {
    say(`its output is ${status}: the rule says staged, so it is shown and not written`)
    note(`\n${String(preview).trim().replaceAll(/^/gm, '   │ ')}\n`)
  }
}

async function showRecord({ box }: Stage): Promise<void> {
  const [job] = (await box.jobs.list({ type: 'summarise-push', status: 'completed', limit: 1 })).items
  for (const write of (await box.jobs.get(job?.id ?? '')).writes) {
    const hashes = [write.config_sha256, write.output_sha256].map((hash) => hash?.slice(0, 12))
    say(`the comment on the push is on record, and nobody can change that: rule ${write.rule},`)
    say(`  configuration ${hashes[0]}, output ${hashes[1]}, ${write.receipt?.url}`)
  }
}
