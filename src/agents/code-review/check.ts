// The check of a reviewed commit: it begins before the work and is settled whatever becomes of it.
import type { Found } from '../../findings/finding.ts'
import { SEVERITIES } from '../../findings/finding.ts'
import type { Output } from '../../publisher/output.ts'
import { plainLine, visible } from '../../untrusted/inert.ts'
import type { Settings } from './options.ts'
import { isAtLeast } from './ranking.ts'
import type { Usage } from './read-by-model.ts'
import type { Subject } from './subject.ts'
import type { Coverage } from './texts.ts'
import { counted, coverageText } from './texts.ts'

type Check = Extract<Output, { kind: 'check' }>
type Annotation = NonNullable<Check['annotations']>[number]

const MAX_ANNOTATIONS = 50
const NAME = 'signalbox/code-review'

/** What a review has come to, in numbers. */
export type Tally = {
  /** All that is open now, the most useful first. */
  open: readonly Found[]
  /** How many of them were found in an earlier review. */
  known: number
  resolved: number
  dismissed: number
  /** Findings that were left out, by category. */
  muted: readonly string[]
  usage: Usage
}

function checkOf({ repository, head }: Pick<Subject, 'repository' | 'head'>) {
  return { kind: 'check', repository, commit: head, check: NAME, key: 'check' } as const
}

/** The check at the start, and what becomes of it if the job ends without completing. */
export function beginning(
  subject: Subject,
  { failOn }: Pick<Settings, 'failOn'>,
): { outputs: Output[]; otherwise: Output[] } {
  const check = checkOf(subject)
  return {
    outputs: [{ ...check, status: 'in_progress', title: 'Reviewing', summary: 'The review has begun.' }],
    otherwise: [
      {
        ...check,
        status: 'completed',
        // A check that people rely on is not passed by a failure.
        conclusion: failOn === 'never' ? 'neutral' : 'cancelled',
        title: 'Not reviewed',
        summary: '{{job.reason}}',
      },
    ],
  }
}

/** The check of a commit whose change was reviewed before, at another commit. */
export function unchangedCheck(
  subject: Subject,
  reviewed: string,
  tally: Tally,
  settings: Pick<Settings, 'failOn'>,
): Output {
  const summary = `The same change was reviewed at ${reviewed.slice(0, 7)}: ${openText(tally.open)}.`
  return {
    ...checkOf(subject),
    ...conclusionOf(tally, settings, true),
    status: 'completed',
    title: titleOf(tally, true),
    summary,
  }
}

/** The check at the end. */
export function settledCheck(
  subject: Subject,
  tally: Tally,
  coverage: Coverage,
  settings: Pick<Settings, 'failOn'>,
): Output {
  const isWhole = coverage.unread.every(({ reason }) => isExpected(reason))
  return {
    ...checkOf(subject),
    ...conclusionOf(tally, settings, isWhole),
    status: 'completed',
    title: titleOf(tally, isWhole),
    summary: summaryOf(tally, coverage),
    annotations: tally.open.flatMap(annotationOf).slice(0, MAX_ANNOTATIONS),
  }
}

/** Files that nobody would read are no gap. */
function isExpected(reason: string): boolean {
  return /^(?:binary|generated|ignored)/.test(reason)
}

function conclusionOf({ open }: Pick<Tally, 'open'>, { failOn }: Pick<Settings, 'failOn'>, isWhole: boolean) {
  const isFailure = open.some((finding) => isAtLeast(finding, failOn))
  return { conclusion: isFailure ? 'failure' : open.length > 0 || !isWhole ? 'neutral' : 'success' } as const
}

function titleOf({ open }: Pick<Tally, 'open'>, isWhole: boolean): string {
  const text = open.length === 0 ? 'Nothing found' : `${counted(open.length, 'finding')}`
  return isWhole ? text : `${text}, and not all was read`
}

function openText(open: readonly Found[]): string {
  const count = (severity: Found['severity']) => open.filter((each) => each.severity === severity).length
  const levels = SEVERITIES.map((level) => [level, count(level)] as const)
  const some = levels.flatMap(([level, number]) => (number === 0 ? [] : [`${number} ${level}`]))
  return some.length === 0 ? 'Nothing is open' : `${counted(open.length, 'finding')} open (${some.join(', ')})`
}

function summaryOf({ open, known, resolved, dismissed, muted, usage }: Tally, coverage: Coverage): string {
  const facts = [
    openText(open),
    ...(known > 0 ? [`${known} known from earlier reviews`] : []),
    ...(resolved > 0 ? [`${resolved} resolved`] : []),
    ...(dismissed > 0 ? [`${dismissed} dismissed by people`] : []),
    ...(muted.length > 0
      ? [`${muted.length} left out, because their category is muted (${[...new Set(muted)].join(', ')})`]
      : []),
  ]
  const spent =
    usage.calls === 0
      ? []
      : [
          '',
          `The model was asked ${counted(usage.calls, 'question')}: ${usage.inputTokens} tokens in, ${usage.outputTokens} out.`,
        ]
  return [`${facts.join('; ')}.`, '', coverageText(coverage), ...spent].join('\n')
}

const LEVEL = { high: 'failure', medium: 'warning', low: 'notice' } as const

/** Annotations stand on the new version, as plain text. */
function annotationOf({ path, side, line, startLine, severity, title, body }: Found): Annotation[] {
  if (side === 'LEFT' || line === null) return []
  const message = visible(body).slice(0, 4000) || title
  return [
    {
      path,
      startLine: startLine ?? line,
      endLine: line,
      level: LEVEL[severity],
      title: plainLine(title, 250),
      message,
    },
  ]
}
