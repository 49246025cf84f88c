// Finds what was left by accident: marks of a merge, and what is there for debugging.
import type { Diff, DiffFile } from '../../../diffs/diff.ts'
import { extensionOf, isDocument, isTestPath } from './paths.ts'
import type { Remark, Reviewer } from './reviewer.ts'
import { addedLines, quoted, remarkAt } from './reviewer.ts'

const OURS = /^<{7} \S/
const THEIRS = /^>{7} \S/

type Leftover = { extensions: string; pattern: RegExp; what: string }

// Statements that stand alone on their line, which nobody wants in what others run.
const DEBUGGERS: readonly Leftover[] = [
  { extensions: 'js jsx ts tsx mjs cjs mts cts vue svelte', pattern: /^\s*debugger;?\s*$/, what: 'debugger' },
  {
    extensions: 'py',
    pattern: /^\s*(?:breakpoint\(\)|import i?pdb(?:; ?i?pdb\.set_trace\(\))?|i?pdb\.set_trace\(\))\s*$/,
    what: 'breakpoint',
  },
  { extensions: 'rb rake erb', pattern: /^\s*(?:binding\.(?:pry|irb|break)|byebug|debugger)\s*$/, what: 'breakpoint' },
  { extensions: 'rs', pattern: /^\s*dbg!\(.*\);\s*$/, what: 'dbg!' },
  { extensions: 'php', pattern: /^\s*(?:dd|var_dump|xdebug_break)\(.*\);\s*$/, what: 'dump' },
  { extensions: 'ex exs', pattern: /^\s*(?:require IEx; ?)?IEx\.pry(?:\(\))?\s*$/, what: 'breakpoint' },
]
const ONLY =
  /^\s*(?:(?:describe|context|suite|it|test|bench)(?:\.(?:concurrent|sequential))?\.only(?:\.each)?\b|(?:fdescribe|fit|fcontext)\()/
const SCRIPT = /^[cm]?[jt]sx?$/

/** The reviewer of what was left by accident. */
export const leftovers: Reviewer = { name: 'leftovers', review }

function review({ files }: Diff): Remark[] {
  return files.filter(({ status }) => status !== 'deleted').flatMap((file) => [...mergeMarks(file), ...debugging(file)])
}

function mergeMarks(file: DiffFile): Remark[] {
  const { path } = file
  // What tests how conflicts are dealt with has them, and so has a patch.
  if (isTestPath(path) || /\.(?:patch|diff|snap)$/.test(path)) return []
  const lines = addedLines(file)
  const ours = lines.find(({ text }) => OURS.test(text))
  const theirs = lines.find(({ line, text }) => THEIRS.test(text) && line > (ours?.line ?? line))
  if (ours === undefined || theirs === undefined) return []
  // A document shows them in a block of code.
  if (isDocument(path) && ours.above().some((text) => /^\s*(?:```|~~~|\.\. code)/.test(text))) return []
  return [
    remarkAt(path, ours.line, {
      category: 'merge-conflict',
      severity: 'high',
      confidence: 0.98,
      title: 'A merge conflict is committed',
      body: `Lines ${ours.line} to ${theirs.line} still have the marks of a conflict. Decide which side is right and remove them.`,
    }),
  ]
}

function debugging(file: DiffFile): Remark[] {
  const { path } = file
  const extension = extensionOf(path)
  const patterns = DEBUGGERS.filter(({ extensions }) => extensions.split(' ').includes(extension))
  const isTest = SCRIPT.test(extension) && isTestPath(path)
  return addedLines(file).flatMap(({ line, text }) => {
    const left = patterns.find(({ pattern }) => pattern.test(text))
    if (left !== undefined) return [leftover(path, line, left.what)]
    return isTest && ONLY.test(text) ? [focused(path, line, text)] : []
  })
}

function leftover(path: string, line: number, what: string): Remark {
  return remarkAt(path, line, {
    category: 'debug-leftover',
    severity: 'medium',
    title: `${quoted(what)} is left from debugging`,
    body: 'It stops or prints where nobody expects it. Remove the line.',
  })
}

function focused(path: string, line: number, text: string): Remark {
  const call = /[\w.]+/.exec(text)?.[0] ?? '.only'
  return remarkAt(path, line, {
    category: 'focused-test',
    severity: 'high',
    title: `${quoted(call)} skips all other tests of the file`,
    body: 'The run stays green while nothing else is tested. Remove what focuses this test.',
  })
}
