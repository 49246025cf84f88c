// The program that the agent `program` runs: it records itself, and takes a moment to stop.
import { writeFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import { openJournal } from './journal.ts'

const ALIVE_EVERY_MS = 20
const STOPS_AFTER_MS = 150
const ANSWER = 3

const [journalPath = ''] = process.argv.slice(2)
const journal = openJournal(journalPath)
const { job, event, payload } = JSON.parse(await text(process.stdin))
const { repository, branch } = event.facts
const attempted = { job: job.id, attempt: job.attempt, group: branch }

process.once('SIGTERM', () => {
  setTimeout(() => {
    journal.write({ what: 'end', ...attempted })
    process.exit(1)
  }, STOPS_AFTER_MS)
})
journal.write({ what: 'begin', ...attempted })
const alive = setInterval(() => journal.write({ what: 'alive', ...attempted }), ALIVE_EVERY_MS)
await wait(payload.work_ms)
clearInterval(alive)
const output = {
  kind: 'comment',
  key: 'witness',
  repository,
  target: { issue: payload.about },
  body: `saw ${payload.delivery}.`,
}
writeFileSync(ANSWER, JSON.stringify({ outputs: [output] }))
journal.write({ what: 'end', ...attempted })
