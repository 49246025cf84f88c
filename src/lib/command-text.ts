// The command in a text that somebody wrote: `/deploy staging --dry-run`, and not one that is only
// quoted or shown.

/** A command as it was written: its name in small letters, and the words after it. */
export type GivenCommand = { name: string; words: string[] }

const MAX_LINES = 1000
const MAX_LINE_CHARS = 1000
const MAX_WORDS = 50

// Only plain letters: a look-alike letter or a hidden character makes another name, hence none.
const COMMAND = /^ {0,3}\/([A-Za-z][A-Za-z0-9-]{0,31})(?:[ \t]+(\S.*))?$/
// What a reader does not see. U+FE0F only makes an emoji of a character.
const HIDDEN = /[^\P{C}\t]|\p{Zl}|\p{Zp}|(?!\ufe0f)\p{Default_Ignorable_Code_Point}/u
// Lines that begin a quote or an item of a list go on in the next line without a mark.
const CONTAINER = /^ {0,3}(?:>|[-+*](?:[ \t]|$)|\d{1,9}[.)](?:[ \t]|$))/
const LIST_MARKS = /^(?:[ \t]*(?:[-+*]|\d{1,9}[.)])[ \t]+)*/
const FENCE = /^[ \t]*(`{3,}|~{3,})/
// Their content is shown as it is, or not at once.
const MARKS = /<!--|-->|<(\/?)(details|pre|code|blockquote|script|style|textarea|template|title|svg|math)(?=[\s/>]|$)/gi

/**
 * The first command of a Markdown text, on a line of its own; null if there is none. Not read are
 * code (fenced, indented by four spaces or a tab, or begun by a back-tick in the same paragraph),
 * quotes and what goes on in them, HTML comments, and `<details>` and its like. A line with a
 * character that is not seen is no command. Linear in the length of the text.
 */
export function commandIn(text: string): GivenCommand | null {
  const hidden = hiddenParts()
  let isPlain = true
  for (const line of text.split(/\r\n|\n|\r/, MAX_LINES)) {
    const part = hidden.take(line)
    if (line.trim() === '' || part === 'end') {
      isPlain = true
      continue
    }
    if (part === 'hidden' || CONTAINER.test(line)) {
      isPlain = false
      continue
    }
    const command = isPlain ? commandOf(line) : null
    if (command !== null) return command
    // What a back-tick or an angle bracket begins may end in the next line.
    if (/[`<[]/.test(line)) isPlain = false
  }
  return null
}

function commandOf(line: string): GivenCommand | null {
  if (line.length > MAX_LINE_CHARS || HIDDEN.test(line)) return null
  const [, name, rest = ''] = COMMAND.exec(line.trimEnd()) ?? []
  return name === undefined ? null : { name: name.toLowerCase(), words: wordsOf(rest) }
}

/** Words, or texts in quotation marks: `--reason "two words"`. */
function wordsOf(text: string): string[] {
  const words = [...text.matchAll(/(--[\w-]+=)?(?:"([^"]*)"|'([^']*)')(?=\s|$)|\S+/g)]
  return words.slice(0, MAX_WORDS).map(([all, flag = '', double, single]) => {
    const quoted = double ?? single
    return quoted === undefined ? all : `${flag}${quoted}`
  })
}

/** `end` is the last line of a part that is hidden or code, after which a paragraph begins. */
type LinePart = 'shown' | 'hidden' | 'end'

type Fence = { mark: string; indent: number }

/** Follows a text line by line; `take` says whether a line is hidden or shown as code. */
function hiddenParts(): { take(line: string): LinePart } {
  let fence: Fence | null = null
  const html = hiddenHtml()
  return {
    take(line) {
      if (fence !== null) {
        if (!isFenceEnd(line, fence)) return 'hidden'
        fence = null
        return 'end'
      }
      if (!html.isComment()) fence = fenceOf(line)
      return fence === null ? html.take(line) : 'hidden'
    },
  }
}

/** The same of HTML: comments, and elements whose content is hidden or code. */
function hiddenHtml(): { isComment(): boolean; take(line: string): LinePart } {
  let isComment = false
  // Whether the comment began a line, so that what follows its last line is no part of a paragraph.
  let isBlock = false
  const open: string[] = []

  function takeTag(slash: string | undefined, name: string): void {
    if (slash !== '/') open.push(name)
    else if (open.at(-1) === name) open.pop()
  }

  function takeMark([mark, slash, name]: RegExpMatchArray, before: string): void {
    if (isComment) isComment = mark !== '-->'
    else if (mark === '<!--') {
      isComment = true
      isBlock = open.length === 0 && /^ {0,3}$/.test(before)
    } else if (name !== undefined) takeTag(slash, name.toLowerCase())
  }

  return {
    isComment: () => isComment,
    take(line) {
      const wasHidden = isComment || open.length > 0
      for (const mark of line.matchAll(MARKS)) takeMark(mark, line.slice(0, mark.index))
      if (isComment || open.length > 0) return 'hidden'
      if (isBlock && line.includes('-->')) {
        isBlock = false
        return 'end'
      }
      return wasHidden ? 'hidden' : 'shown'
    },
  }
}

/** The fence that a line begins, in a list or not. */
function fenceOf(line: string): Fence | null {
  const indent = LIST_MARKS.exec(line)?.[0].length ?? 0
  const [, mark] = FENCE.exec(line.slice(indent)) ?? []
  return mark === undefined ? null : { mark, indent }
}

function isFenceEnd(line: string, { mark, indent }: Fence): boolean {
  const text = line.trim()
  const spaces = line.length - line.trimStart().length
  return text.length >= mark.length && text === mark.charAt(0).repeat(text.length) && spaces <= indent + 3
}
