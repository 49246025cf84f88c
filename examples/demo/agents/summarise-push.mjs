// A program as an agent: reads the job, writes to the job's log, and returns a comment on the
// pushed commit.
import { readFileSync, writeSync } from 'node:fs'
import { inline } from 'signalbox'

const { event, payload } = JSON.parse(readFileSync(0, 'utf8'))
const changed = payload.commits.flatMap((commit) => [...commit.added, ...commit.modified, ...commit.removed])
console.log(`${payload.commits.length} commit(s) by ${payload.pusher.name}, ${changed.length} file(s) changed`)

const output = {
  kind: 'comment',
  key: 'summary',
  repository: event.facts.repository,
  target: { commit: event.facts.sha },
  body: `This push changed ${changed.length} file(s):\n\n${changed.map((file) => `- ${inline(file)}`).join('\n')}`,
}
writeSync(3, JSON.stringify({ outputs: [output] }))
