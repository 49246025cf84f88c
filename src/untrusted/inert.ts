// Makes untrusted text inert in what GitHub renders: no mention, link, HTML, closing keyword,
// directive or hidden character acts.
import { cut } from '../lib/cut.ts'

const MAX_INLINE_CHARS = 1000

// Line ends and tabs are seen, and the joiners inside an emoji make it one.
const NO_LINE_END_OR_TAB = String.raw`(?![\n\t])`
const NO_EMOJI_STYLE = String.raw`(?!(?<=\p{Emoji})\ufe0f)`
const NO_EMOJI_JOINER = String.raw`(?!(?<=\p{Extended_Pictographic}\ufe0f?)\u200d(?=\p{Extended_Pictographic}))`
const UNSEEN = String.raw`[\p{Cc}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}]`

// Characters nobody sees: controls, zero-width, bidirectional, tags.
const INVISIBLE = new RegExp(NO_LINE_END_OR_TAB + NO_EMOJI_STYLE + NO_EMOJI_JOINER + UNSEEN, 'gu')

// `@name`, `#1` and `GH-1`, which GitHub links wherever it shows a text.
const MENTION = /(?<![A-Za-z0-9_])@(?=[A-Za-z0-9])/g
const ISSUE = /#(?=\d{1,9}(?![A-Za-z0-9_]))/g
const SHORT_ISSUE = /\bGH-(?=\d)/gi
// A keyword and the address of an issue, which it would close:
// https://docs.github.com/en/issues/tracking-your-work-with-issues/using-issues/linking-a-pull-request-to-an-issue
const CLOSING = /\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)(?:\s*:\s*|\s+)https?:\/\//gi

// What keeps checks from running where it stands in a commit message: `[skip ci]`, `[ci skip]` and
// `[no ci]`, also of other services (`[skip netlify]`), and Azure's `***NO_CI***`:
// https://docs.github.com/en/actions/how-tos/manage-workflow-runs/skip-workflow-runs
const SKIP_WORDS = '(?:skip|no)[ _-][a-z][a-z-]{0,20}|[a-z][a-z-]{0,20}[ _-]skip'
const SKIP_CHECKS = new RegExp(String.raw`\[(?=\s{0,9}(?:${SKIP_WORDS})\s{0,9}\])`, 'gi')
const NO_CI = /\*{3}NO_CI(?=\*{3})/gi

// What the publisher would replace by the address of another output, or by why the job ended.
const REFERENCE = /\{\{(?= ?(?:outputs|job)\.)/g

// What Markdown and GitHub's filters leave alone; everything else is put into a code span.
const PLAIN_FIRST = String.raw`[\p{L}\p{N}\p{Emoji_Presentation}]`
const PLAIN_CHARACTER = String.raw`[\p{L}\p{M}\p{N}\p{Emoji_Presentation} .,;:'’"()+=%?!/–—…→-]`
const UNDERSCORE_IN_WORD = '(?<=[A-Za-z0-9])_(?=[A-Za-z0-9])'
const PLAIN = new RegExp(`^${PLAIN_FIRST}(?:${PLAIN_CHARACTER}|${UNDERSCORE_IN_WORD})*$`, 'u')
const LINKED = /:\/\/|www\.|GH-\d/i
const EMAIL = /(?<![^\s(])[A-Za-z0-9](?:[\w.+-]*\w)?@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?![^\s),.;:])/g

/** Text inside a line of Markdown: as it is when it is plain, else a code span. */
export function inline(text: string): string {
  const line = oneLine(text, MAX_INLINE_CHARS)
  return PLAIN.test(line.replace(EMAIL, 'email')) && !LINKED.test(line) ? line : codeSpan(line)
}

/** A title or a commit's subject, which are not Markdown: at most `maxChars` on one line. */
export function plainLine(text: string, maxChars: number): string {
  // In a title brackets in another form would only look odd.
  return disarmed(oneLine(text, maxChars).replaceAll('[', '(').replaceAll(']', ')'))
}

/**
 * A line of a chat message: nobody is mentioned by it, and no link is under another name than its
 * own. What else the chat gives a meaning to is escaped by whoever sends it.
 */
export function chatLine(text: string, maxChars: number): string {
  return oneLine(text, maxChars).replace(MENTION, '＠').replaceAll('](', '] (')
}

/**
 * A code span for one line, its fence longer than any run of back-ticks inside (CommonMark §6.1).
 */
export function codeSpan(line: string): string {
  const text = disarmed(line)
  const ticks = fenceFor(text, 1)
  const padded = text === '' || /^`|`$|^ .* $/.test(text) ? ` ${text} ` : text
  return ticks + padded + ticks
}

/**
 * The lines of a fenced block, its fence longer than any run of back-ticks inside (CommonMark
 * §4.5).
 */
export function fenced(lines: readonly string[], language: string): string[] {
  const text = disarmed(lines.join('\n'))
  const ticks = fenceFor(text, 3)
  return [ticks + language, ...text.split('\n'), ticks]
}

function fenceFor(text: string, atLeast: number): string {
  const longest = Math.max(0, ...Array.from(text.matchAll(/`+/g), ([run]) => run.length))
  return '`'.repeat(Math.max(atLeast, longest + 1))
}

/** One line, shortened to `maxChars` with an ellipsis. */
function oneLine(text: string, maxChars: number): string {
  // Cut before the work, which nothing after the cut can change.
  const line = visible(text.slice(0, maxChars * 4))
    .replace(/\s+/g, ' ')
    .trim()
  return cut(line, maxChars)
}

/**
 * Text for a code span or fence, in which a look-alike stands for what makes a mention or a
 * reference: nothing acts inside code, but a squash merge copies the body into a commit message,
 * where there is no code, and where `[skip ci]` keeps checks from running. The publisher's hidden
 * marker, and its references to other outputs, are disarmed likewise.
 */
export function disarmed(text: string): string {
  return text
    .replaceAll('<!-- signalbox', '<!‐‐ signalbox')
    .replace(REFERENCE, '｛｛')
    .replace(CLOSING, (address) => address.replace('://', ':／／'))
    .replace(MENTION, '＠')
    .replace(ISSUE, '＃')
    .replace(SHORT_ISSUE, (prefix) => prefix.replace('-', '‐'))
    .replace(SKIP_CHECKS, '［')
    .replace(NO_CI, '***NO‗CI')
}

/**
 * The text with every invisible character written out (`⟨U+200B⟩`), so that a reviewer sees what a
 * model would read.
 */
export function visible(text: string): string {
  return text
    .toWellFormed()
    .replaceAll('\r\n', '\n')
    .replace(INVISIBLE, (char) => `⟨${codePoint(char)}⟩`)
}

/**
 * JSON text with invisible characters as `\u` escapes: the same value, and nothing hidden in a
 * reviewed file.
 */
export function visibleJson(json: string): string {
  return json.replace(INVISIBLE, (char) =>
    Array.from({ length: char.length }, (_, at) => `\\u${char.charCodeAt(at).toString(16).padStart(4, '0')}`).join(''),
  )
}

function codePoint(char: string): string {
  return `U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
}
