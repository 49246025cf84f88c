// Finds changes of what a CI service runs, with the repository's secrets.
import type { Diff, DiffFile } from '../../../diffs/diff.ts'
import type { AddedLine, Head, Remark, Reviewer } from './reviewer.ts'
import { addedLines, newLines, quoted, remarkAt, removedTexts } from './reviewer.ts'

const CI_FILE =
  /^(?:\.(?:github|gitea|forgejo)\/(?:workflows|actions)\/.*\.ya?ml|(?:.*\/)?\.gitlab-ci\.ya?ml|\.(?:circleci|buildkite|woodpecker)\/.*|(?:.*\/)?Jenkinsfile[^/]*|azure-pipelines[^/]*\.ya?ml|bitbucket-pipelines\.yml|\.travis\.yml)$/
const ACTIONS_FILE = /^\.(?:github|gitea|forgejo)\/(?:workflows|actions)\//

const USES = /^\s*(?:- )?uses:\s*["']?([\w.-]+)\/[\w./-]+@([^\s"'#]+)/
const MOVING = /^(?:main|master|develop|latest|HEAD|trunk)$/
const OWN = /^(?:actions|github)$/
// What somebody who opens an issue or a pull request writes.
const UNTRUSTED =
  /\$\{\{\s{0,9}(?:github\.head_ref|github\.event\.(?:issue|pull_request|comment|review|discussion|head_commit|commits|pages|workflow_run)\.[\w.*[\]]{0,60}(?:title|body|message|name|email|label|ref|head_branch|page_name))\s{0,9}\}\}/
const TARGET = /^[ \t]*(?:- )?["']?pull_request_target\b|^[ \t]*["']?on["']?:.*\bpull_request_target\b/m
const HEAD_CHECKOUT = /github\.event\.pull_request\.head\.(?:sha|ref)|github\.head_ref|refs\/pull\//

/** The reviewer of workflows. */
export const workflows: Reviewer = { name: 'workflows', review }

async function review({ files }: Diff, head: Head): Promise<Remark[]> {
  const changed = files.filter(({ path }) => CI_FILE.test(path))
  const risks = await Promise.all(
    changed
      .filter(({ path, status }) => ACTIONS_FILE.test(path) && status !== 'deleted')
      .map((file) => risksIn(file, head)),
  )
  return [...note(changed), ...risks.flat()]
}

/** One note for all of them; new versions of actions are no news. */
function note(changed: readonly DiffFile[]): Remark[] {
  const [first, ...others] = changed.filter((file) => !isUpdate(file))
  if (first === undefined) return []
  const more =
    others.length === 0
      ? ''
      : ` So does ${others.length === 1 ? quoted(others[0]?.path ?? '') : `each of ${others.length} others`}.`
  return [
    remarkAt(first.path, null, {
      category: 'ci-change',
      severity: 'low',
      cost: 'medium',
      title: 'The change is one of what CI runs',
      body: `${quoted(first.path)} runs with the secrets of the repository.${more} Let somebody who owns the pipeline look at it.`,
    }),
  ]
}

function isUpdate(file: DiffFile): boolean {
  const [added, removed] = [addedLines(file).map(({ text }) => text), removedTexts(file)]
  return added.length > 0 && actionsIn(added) !== '' && actionsIn(added) === actionsIn(removed)
}

/** The actions that the lines use, without their versions; empty where a line is none. */
function actionsIn(texts: readonly string[]): string {
  const names = texts.map((text) => (USES.test(text) ? text.slice(0, text.indexOf('@')).trim() : ''))
  return names.includes('') ? '' : names.toSorted().join(' ')
}

async function risksIn(file: DiffFile, head: Head): Promise<Remark[]> {
  const { path } = file
  const lines = await newLines(file, head, (from) => ACTIONS_FILE.test(from))
  const all = (await head.read?.(path)) ?? lines.map(({ text }) => text).join('\n')
  const workflow = {
    isCheckedOut: HEAD_CHECKOUT.test(all),
    isOpened: TARGET.test(all) && !lines.some(({ text }) => TARGET.test(text)),
  }
  return lines.flatMap((line) => {
    const risk = riskOf(line, workflow)
    return risk === null ? [] : [remarkAt(path, line.line, { category: 'ci-risk', ...risk })]
  })
}

type Risk = Pick<Remark, 'severity' | 'confidence' | 'title' | 'body'>

/** `isOpened`: it ran for outsiders before the change. */
type Workflow = { isCheckedOut: boolean; isOpened: boolean }

function riskOf(line: AddedLine, { isCheckedOut, isOpened }: Workflow): Risk | null {
  const { text } = line
  if (/^\s*#/.test(text)) return null
  if (TARGET.test(text)) return targetRisk(isCheckedOut)
  if (isOpened && HEAD_CHECKOUT.test(text) && /^\s*(?:- )?ref:/.test(text)) return targetRisk(true)
  if (/^\s*permissions:\s*write-all\b/.test(text)) {
    const body = 'Name the permissions that the jobs need; every action they use has all of these.'
    return { severity: 'medium', confidence: 0.9, title: 'The workflow may write everything', body }
  }
  const [, owner = '', ref = ''] = USES.exec(text) ?? []
  if (MOVING.test(ref) && !OWN.test(owner)) {
    const body = `Whoever can push to it runs code with the secrets of this repository. Use the SHA of a commit in place of ${quoted(ref)}.`
    return { severity: 'medium', confidence: 0.85, title: 'The action is taken from a branch that moves', body }
  }
  if (UNTRUSTED.test(text) && isInScript(line)) {
    const body =
      'Whoever opens an issue or a pull request writes this text, and the shell runs what it says. Pass it as a variable in `env` and use that in quotes.'
    return { severity: 'high', confidence: 0.85, title: 'A text from outside becomes part of a script', body }
  }
  return null
}

function targetRisk(isCheckedOut: boolean): Risk {
  return {
    severity: isCheckedOut ? 'high' : 'medium',
    confidence: isCheckedOut ? 0.9 : 0.7,
    title: 'The workflow runs for untrusted people with the secrets of the repository',
    body: isCheckedOut
      ? 'It runs on `pull_request_target` and checks out the code of the pull request, which then has the secrets. Use `pull_request`, or do not check that code out.'
      : '`pull_request_target` has the secrets of the repository for pull requests of forks. Use `pull_request` unless it needs them, and never run code of the pull request.',
  }
}

/** Whether a line is of a script: `run: …`, or below `run: |`. */
function isInScript({ text, above }: AddedLine): boolean {
  if (/^\s*(?:- )?(?:run|script):/.test(text)) return true
  const indent = indentOf(text)
  const parent = above().findLast((each) => each.trim() !== '' && indentOf(each) < indent)
  return parent !== undefined && /^\s*(?:- )?(?:run|script):\s*[|>]/.test(parent)
}

function indentOf(text: string): number {
  return text.length - text.trimStart().length
}
