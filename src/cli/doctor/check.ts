// One thing the doctor looked at.
import type { Cli } from '../terminal.ts'
import { inline } from '../text.ts'

/** `warning` is what works but closes or slows something; `problem` is what must be put right. */
export type Check = { name: string; status: 'ok' | 'warning' | 'problem'; detail: string; hint: string | null }

/** All is well. */
export function ok(name: string, detail: string): Check {
  return { name, status: 'ok', detail, hint: null }
}

/** It works, but something is closed, slow or missing. */
export function warning(name: string, detail: string, hint: string): Check {
  return {
    name,
    status: 'warning',
    detail,
    hint,
  }
}

/** It does not work. */
export function problem(name: string, detail: string, hint: string): Check {
  return {
    name,
    status: 'problem',
    detail,
    hint,
  }
}

const MARKS = { ok: ['green', '✓'], warning: ['yellow', '!'], problem: ['red', '✗'] } as const
const NAME_WIDTH = 28

/** One line: the mark, what was looked at, what was found, and what to do. */
export function checkText({ paint }: Pick<Cli, 'paint'>, { name, status, detail, hint }: Check): string {
  const [style, mark] = MARKS[status]
  const todo = hint === null ? '' : paint('bold', ` → ${inline(hint)}`)
  return `${paint(style, mark)} ${name.padEnd(NAME_WIDTH)} ${inline(detail)}${todo}`
}
