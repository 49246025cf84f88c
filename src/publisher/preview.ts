// What a staged output would have written: its texts, and its files as a diff.
import { createPatch } from 'diff'
import type { ReadForge } from '../forges/forge.ts'
import { cut } from '../lib/cut.ts'
import { contentSize } from '../lib/file-content.ts'
import type { Output } from './output.ts'
import type { FileChange } from './output-fields.ts'

const MAX_CHARS = 60_000
// Past this many changed lines a diff costs its square.
const MAX_EDIT_LENGTH = 2000
const TEXTS = ['title', 'body', 'summary', 'text', 'note', 'reply']
const MARKS = ['kind', 'repository', 'name', 'key', 'changes', 'combined']

/** The output for people: its fields, its texts, and its files compared with the branch. */
export async function previewOf(forge: ReadForge, output: Output): Promise<string> {
  const given = Object.entries(output).filter(([name]) => !MARKS.includes(name))
  const fields = given.filter(([name]) => !TEXTS.includes(name)).map(([name, value]) => `${name}: ${shown(value)}`)
  const texts = given.filter(([name, value]) => TEXTS.includes(name) && value !== '').map(([, value]) => String(value))
  const files = 'changes' in output ? await filesOf(forge, output) : []
  return cut([fields.join('\n'), ...texts, ...files].filter((part) => part !== '').join('\n\n'), MAX_CHARS)
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

async function filesOf(forge: ReadForge, output: Extract<Output, { changes: unknown }>): Promise<string[]> {
  const { repository } = output
  const branch = output.kind === 'commit' ? output.branch : (output.base ?? (await forge.defaultBranch(repository)))
  const diffs: string[] = []
  for (const change of output.changes) {
    diffs.push(diffOf(change, await forge.readFile(repository, change.path, branch)))
  }
  return diffs
}

function diffOf(change: FileChange, before: string | null): string {
  const { path } = change
  const after = 'deleted' in change ? '' : change.content
  const what = before === null ? 'new file' : 'deleted' in change ? 'deleted' : 'changed'
  if (typeof after !== 'string') return `${path}: ${what}, ${contentSize(after)} bytes that are no text`
  const patch = createPatch(path, before ?? '', after, undefined, undefined, { maxEditLength: MAX_EDIT_LENGTH })
  return patch === undefined ? `${path}: ${what}, too much for a diff` : `${what} ${patch.replace(/^=+\n/m, '')}`
}
