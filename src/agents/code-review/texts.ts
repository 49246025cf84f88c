// What a review says, in Markdown: findings, how much was read, and the check.
import { EMPTY_TREE } from '../../diffs/diff-of.ts'
import type { Found } from '../../findings/finding.ts'
import { codeSpan, fenced, plainLine } from '../../untrusted/inert.ts'
import { inertText, inertTitle } from '../../untrusted/inert-text.ts'
import type { Unread } from './reading.ts'
import { markOf } from './said.ts'

const MAX_UNREAD_NAMED = 10

/** How much of a change was read. */
export type Coverage = {
  /** How many files the change has. */
  files: number
  /** Why no model has read it; null when one has. */
  noModel: string | null
  read: number
  carried: number
  unread: readonly Unread[]
}

/** A comment on the lines of a finding. */
export function commentOf(finding: Found): string {
  const suggestion =
    finding.suggestion === undefined ? [] : ['', ...fenced(finding.suggestion.split('\n'), 'suggestion')]
  return [
    `**${severityOf(finding)}: ${inertTitle(finding.title)}**`,
    '',
    inertText(finding.body),
    ...suggestion,
    '',
    `<sub>${aboutOf(finding)}. Answer "won't fix" or react with 👎 and it is not said again.</sub>`,
    markOf([finding.fingerprint]),
  ]
    .join('\n')
    .trimEnd()
}

/** A finding in a list, where it has no line of its own. */
function entryOf(finding: Found): string {
  const body = inertText(finding.body)
    .split('\n')
    .map((line) => `  ${line}`.trimEnd())
  return [
    `- **${severityOf(finding)}: ${inertTitle(finding.title)}** ${placeOf(finding)}`,
    '',
    ...body,
    '',
    `  <sub>${aboutOf(finding)}</sub>`,
  ].join('\n')
}

/** The text of a review: those that stand on no line, the rest, and what was not read. */
export function reviewBody(
  { head, inline, rest }: { head: string; inline: readonly Found[]; rest: readonly Found[] },
  coverage: Coverage,
): string {
  const where = inline.length > 0 && rest.length > 0 ? `, ${inline.length} of them on their lines` : ''
  const parts = [
    `${counted(inline.length + rest.length, 'finding')} in ${codeSpan(head.slice(0, 7))}${where}.`,
    ...(inline.length > 0 ? folded(rest) : rest.map(entryOf)),
    coverageText(coverage),
  ]
  // First, because a text that is too long is cut at its end.
  return markOf(rest.map(({ fingerprint }) => fingerprint)) + parts.join('\n\n')
}

/** The comment on a commit that was pushed. */
export function commitBody(
  { head, base, found }: { head: string; base: string; found: readonly Found[] },
  shown: number,
  coverage: Coverage,
): string {
  const range = base === EMPTY_TREE ? `all of ${short(head)}` : `${short(base)}..${short(head)}`
  const parts = [
    `Reviewed ${range}: ${found.length === 0 ? 'nothing found' : counted(found.length, 'finding')}.`,
    ...found.slice(0, shown).map(entryOf),
    ...folded(found.slice(shown)),
    coverageText(coverage),
  ]
  return parts.join('\n\n')
}

function short(sha: string): string {
  return codeSpan(sha.slice(0, 7))
}

function folded(findings: readonly Found[]): string[] {
  if (findings.length === 0) return []
  const summary = `<summary>${counted(findings.length, 'more finding')}</summary>`
  return [`<details>\n${summary}`, ...findings.map(entryOf), '</details>']
}

/** What was read and what was not, and why. */
export function coverageText({ files, noModel, read, carried, unread }: Coverage): string {
  if (noModel !== null)
    return `Rules have read ${counted(files, 'changed file')}. No model is set, so nobody has read what the code does.`
  const before = carried === 0 ? '' : `, ${carried} unchanged since an earlier review`
  const line = `Rules have read ${counted(files, 'changed file')}, the model ${read + carried}${before}.`
  if (unread.length === 0) return line
  const named = unread
    .slice(0, MAX_UNREAD_NAMED)
    .map(({ path, reason }) => `${codeSpan(plainLine(path, 200))} (${plainLine(reason, 200)})`)
  const more = unread.length > named.length ? ` and ${unread.length - named.length} more` : ''
  return `${line} The model did not read ${named.join(', ')}${more}.`
}

/** `src/a.ts:3-5` as code. */
function placeOf({ path, line, startLine, side }: Pick<Found, 'path' | 'line' | 'startLine' | 'side'>): string {
  const lines =
    line === null ? '' : startLine === undefined || startLine === line ? `:${line}` : `:${startLine}-${line}`
  return `${codeSpan(`${plainLine(path, 300)}${lines}`)}${side === 'LEFT' ? ' before the change' : ''}`
}

function severityOf({ severity }: Found): string {
  return { high: 'High', medium: 'Medium', low: 'Low' }[severity]
}

function aboutOf({ category, confidence, cost, reviewer }: Found): string {
  const check = { low: 'quick to check', medium: 'takes a while to check', high: 'hard to check' }[cost]
  return `${category}, ${Math.round(confidence * 100)} % sure, ${check}, by ${reviewer === 'model' ? 'a model' : 'a rule'}`
}

/** `1 finding`, `2 findings`. */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}
