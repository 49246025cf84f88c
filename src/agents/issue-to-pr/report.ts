// What people read of a task: the comment with the plan, and the body of the pull request. All
// words of models, programs and others are made inert.
import type { Used } from '../../models/budget.ts'
import { codeSpan, fenced, inline } from '../../untrusted/inert.ts'
import { redactText } from '../../untrusted/redact-text.ts'
import type { Assignment } from './assignment.ts'
import type { TestRun } from './tools/tool.ts'
import type { Work } from './work.ts'

const MAX_LINES = 100
const MAX_TRIED = 60
const MAX_TAIL_LINES = 40
const MAX_TAIL_CHARS = 4000
const MAX_PATHS = 50

/** Several lines of others as Markdown: lists stay lists, and nothing in them acts. */
export function inertLines(text: string): string[] {
  const lines = redactText(text).trim().split('\n')
  const shown = lines.slice(0, MAX_LINES).map((line) => {
    const [, indent = '', item] = /^([ \t]*)[-*+] +(\S.*)$/.exec(line) ?? []
    if (item !== undefined) return `${indent === '' ? '' : '  '}- ${inline(item)}`
    const plain = line.trim().replace(/^#{1,6} +/, '')
    return plain === '' ? '' : inline(plain)
  })
  return lines.length > MAX_LINES ? [...shown, '', `(${lines.length - MAX_LINES} lines more)`] : shown
}

/** The plan with its boxes, ticked once it is done. */
export function planLines(steps: readonly string[], isDone: boolean): string[] {
  return steps.map((step) => `- [${isDone ? 'x' : ' '}] ${inline(redactText(step))}`)
}

/** What the work has used, in a sentence, and what is left where there is a limit. */
export function usedText({ tokens, usd, budget }: Used, max: number | undefined, isEngine: boolean): string {
  if (isEngine) return 'What the program has cost is not known here.'
  const most = Math.min(budget?.usd ?? Number.POSITIVE_INFINITY, max ?? Number.POSITIVE_INFINITY)
  const ofTokens = budget?.tokens === undefined ? '' : ` of ${count(budget.tokens)}`
  const cost = usd === null ? '; no price is set for its model' : `, ${dollars(usd)}`
  const left =
    usd === null || !Number.isFinite(most) ? '' : ` of ${dollars(most)}; ${dollars(Math.max(0, most - usd))} are left`
  return `Used so far: ${count(tokens)}${ofTokens} tokens${cost}${left}.`
}

function count(number: number): string {
  return number.toLocaleString('en')
}

function dollars(usd: number): string {
  return `$${usd.toFixed(usd < 1 ? 4 : 2)}`
}

/** How the tests ended, in a sentence. */
export function testText(test: TestRun | null): string {
  if (test === null) return 'No tests were run.'
  const how = test.exitCode === null ? 'was ended before its end' : `ended with exit code ${test.exitCode}`
  return `${codeSpan(test.command)} ${how}.`
}

/** What came of the work, for the pull request. */
export function pullRequestBody(
  { number, target, earlier, overlaps, base, unread }: Assignment,
  done: Work,
  { used }: { used: string },
): string {
  const { summary, reason, test, tried, leftOut } = done
  const isIncomplete = done.outcome === 'stopped'
  const settles = !isIncomplete && test?.exitCode === 0 && target !== null && 'issue' in target
  return [
    ...(isIncomplete ? [`**This is not complete.** ${inline(reason ?? 'The work was stopped.')}`, ''] : []),
    '## What was done',
    '',
    ...(summary.trim() === '' ? ['Nothing was said about it.'] : inertLines(summary)),
    ...section('What was done before', earlierLines(earlier)),
    '',
    '## How it was tested',
    '',
    testText(test),
    ...(test !== null && test.exitCode !== 0 ? ['', ...tailLines(test)] : []),
    ...section('What was tried', triedLines(tried)),
    ...section(
      'What was left out',
      leftOut.slice(0, MAX_PATHS).map(({ path, reason: why }) => `- ${inline(path)}: ${inline(why)}`),
    ),
    ...section(
      'What has changed on both sides',
      overlaps.length === 0
        ? []
        : [
            `${inline(base)} has changed these files too, so that they may conflict:`,
            '',
            ...overlaps.slice(0, MAX_PATHS).map((path) => `- ${codeSpan(path)}`),
          ],
    ),
    '',
    '---',
    '',
    used,
    ...(unread === 0
      ? []
      : [
          `${unread} ${unread === 1 ? 'comment was' : 'comments were'} not read: whoever wrote them may not write here, or there were too many.`,
        ]),
    ...(number === null ? [] : ['', `${settles ? 'Fixes' : 'Refs'} #${number}`]),
  ].join('\n')
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', `## ${title}`, '', ...lines]
}

function earlierLines(earlier: Assignment['earlier']): string[] {
  return earlier.slice(-MAX_PATHS).map(({ sha, subject }) => `- ${sha} ${inline(redactText(subject))}`)
}

function triedLines(tried: Work['tried']): string[] {
  const lines = tried.slice(-MAX_TRIED).map(({ tool, target, outcome }) => {
    const what = redactText(`${tool} ${target}`.trim())
    return `- ${codeSpan(what)}${outcome === 'ok' ? '' : `: ${outcome}`}`
  })
  return tried.length > MAX_TRIED ? [`- (${tried.length - MAX_TRIED} calls before these)`, ...lines] : lines
}

function tailLines({ tail }: TestRun): string[] {
  const lines = redactText(tail.trim()).slice(-MAX_TAIL_CHARS).split('\n').slice(-MAX_TAIL_LINES)
  return fenced(lines, 'text')
}
