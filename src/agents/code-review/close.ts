// The end of a pull request: what people said of its findings is kept, without reading it again.
import type { AgentResult } from '../agent.ts'
import { openHistory } from './change.ts'
import { whereIs } from './earlier.ts'
import type { ReviewContext } from './review.ts'
import { readSaid, refusedBy } from './said.ts'
import type { PullSubject } from './subject.ts'

/** Settles the findings that are open. */
export async function close(
  { findings, forge, log, ...context }: ReviewContext,
  subject: PullSubject,
): Promise<AgentResult> {
  const { repository, scope, head, number } = subject
  const open = (await findings.of(scope)).filter(({ status }) => status === 'open')
  if (open.length === 0) {
    log('no finding is open')
    return { result: { closed: number, open: 0 } }
  }
  const history = await openHistory(context, subject)
  const places = new Map<string, ReturnType<typeof whereIs>>()
  for (const finding of open) {
    const diff = await history.diff(finding.lastSha, head)
    places.set(finding.fingerprint, diff === null ? 'changed' : whereIs(finding, diff))
  }
  const { threads } = await readSaid(forge, repository, number)
  const isUnchanged = ({ fingerprint }: { fingerprint: string }) => typeof places.get(fingerprint) === 'object'
  const refused = await refusedBy(forge, repository, { open, threads, isUnchanged })
  const reasons = new Map(refused.map(({ finding, reason }) => [finding.fingerprint, reason]))
  const changes = open.map(({ fingerprint }) => {
    const thread = threads.get(fingerprint)
    const link = thread === undefined ? {} : { thread: thread.id, commentUrl: thread.comments[0]?.url ?? '' }
    const reason = reasons.get(fingerprint)
    if (reason !== undefined) return { fingerprint, ...link, status: 'dismissed' as const, reason }
    if (places.get(fingerprint) === 'changed') {
      return { fingerprint, ...link, status: 'resolved' as const, reason: `by ${head.slice(0, 7)}` }
    }
    return { fingerprint, ...link, status: 'outdated' as const, reason: 'The pull request has ended.' }
  })
  return {
    findings: { scope, sha: head, changes },
    result: { closed: number, open: open.length, dismissed: reasons.size },
  }
}
