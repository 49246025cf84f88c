// What a model says of code: its form, and which of it is a finding. A model believes what it
// reads, so nothing of it counts that cannot be checked against the difference.
import { z } from 'zod'
import { findAnchor, isAnchored } from '../../diffs/anchors.ts'
import type { DiffFile } from '../../diffs/diff.ts'
import type { Finding } from '../../findings/finding.ts'
import { COSTS, SEVERITIES, SIDES } from '../../findings/finding.ts'
import { cut } from '../../lib/cut.ts'
import { fenced } from '../../untrusted/inert.ts'
import { redactText } from '../../untrusted/redact-text.ts'

/** Who found it, as findings say it. */
export const MODEL = 'model'

const MAX_TITLE_CHARS = 200
const MAX_BODY_CHARS = 3000
const MAX_SUGGESTED_LINES = 20
const MAX_FINDINGS_IN_ANSWER = 50

const CATEGORIES = [
  'logic',
  'security',
  'concurrency',
  'error-handling',
  'resource-leak',
  'data-loss',
  'performance',
  'compatibility',
  'tests',
  'other',
] as const

const said = z.object({
  path: z.string(),
  side: z.enum(SIDES).describe('RIGHT: the new version; LEFT: lines that are removed'),
  line: z.int().describe('the number of the last line it is about, on that side'),
  startLine: z.int().optional().describe('the first line, where it is about several'),
  severity: z.enum(SEVERITIES),
  confidence: z.number().describe('how sure you are that it is wrong, from 0 to 1'),
  cost: z.enum(COSTS).describe('what it costs the author to check whether it is true'),
  category: z.enum(CATEGORIES),
  title: z.string().describe('what is wrong, in one sentence'),
  body: z.string().describe('why, when it shows, and what to do'),
  suggestion: z
    .string()
    .optional()
    .describe('exactly what should stand in place of the lines, if that is all it takes'),
})

/** What a model answers. */
export const answerSchema = z.object({ findings: z.array(said) })
export type Answer = z.infer<typeof answerSchema>

/** Where nothing is wrong, nothing is to be said. */
const PRAISE =
  /^\W{0,3}(?:nice|great|good|well done|excellent|lgtm|looks? (?:good|great|fine|correct)|no (?:issues?|problems?|findings?|bugs?)\b)/i

/**
 * The findings of an answer about these files. One of another file, of which it is too unsure, or
 * that finds nothing wrong, is none; one about a line that the difference does not show is about
 * the file.
 */
export function findingsIn(answer: Answer, files: readonly DiffFile[], minConfidence: number): Finding[] {
  const byPath = new Map(files.map((file) => [file.path, file]))
  return answer.findings.slice(0, MAX_FINDINGS_IN_ANSWER).flatMap((each) => {
    const file = byPath.get(each.path)
    const confidence = Math.min(1, Math.max(0, each.confidence))
    const title = cut(each.title.replace(/\s+/g, ' ').trim(), MAX_TITLE_CHARS)
    const body = cut(each.body.trim(), MAX_BODY_CHARS)
    if (file === undefined || title === '' || PRAISE.test(title) || confidence < minConfidence) return []
    const { severity, cost, category } = each
    const what = { reviewer: MODEL, category, severity, confidence, cost, path: file.path, title, body }
    return [{ ...what, ...placeOf(file, each) }]
  })
}

type Said = Answer['findings'][number]

function placeOf(file: DiffFile, given: Said): Pick<Finding, 'side' | 'line' | 'startLine' | 'suggestion'> {
  const { side, line, startLine } = given
  const isRange = startLine !== undefined && startLine < line && isAnchored(file, { side, line, startLine })
  const place = { side, line, ...(isRange ? { startLine } : {}) }
  if (!isAnchored(file, place)) return { side: 'RIGHT', line: null }
  const suggestion = suggestionOf(file, given, place)
  return { ...place, ...(suggestion === null ? {} : { suggestion }) }
}

/** What can be put in the place of exactly these lines; null for what would not mean that. */
function suggestionOf(
  file: DiffFile,
  { suggestion, startLine }: Said,
  place: Pick<Finding, 'side' | 'line' | 'startLine'>,
) {
  const { side, line } = place
  if (suggestion === undefined || side !== 'RIGHT' || line === null) return null
  // It was meant for other lines.
  if ((startLine ?? line) !== (place.startLine ?? line)) return null
  const lines = findAnchor(file, {
    side,
    line,
    ...(place.startLine === undefined ? {} : { startLine: place.startLine }),
  })
  const text = suggestion.replace(/^```\w*\n([\s\S]*?)\n?```\s*$/, '$1').replace(/\n$/, '')
  const own = (lines ?? []).filter(({ right }) => right !== null).map((each) => each.text)
  if (own.length === 0 || text === own.join('\n') || text.split('\n').length > MAX_SUGGESTED_LINES) return null
  // What would be shown in another form would be committed so.
  const shown = fenced(text.split('\n'), '').slice(1, -1).join('\n')
  return shown === text && redactText(text) === text ? text : null
}
