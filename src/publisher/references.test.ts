import { expect, test } from 'vitest'
import { codeSpan, fenced, inline, plainLine } from '../untrusted/inert.ts'
import type { Output } from './output.ts'
import { requireReferences, resolveReferences } from './references.ts'

const pr = { url: 'https://forge/pull/3', number: 3, branch: 'signalbox/x', sha: 'a'.repeat(40), created: true }

function comment(body: string): Output {
  return { kind: 'comment', repository: 'acme/shop', target: { issue: 1 }, body, key: '{{outputs.pr.url}}' }
}

test('a text may say what an earlier output of the job was given', () => {
  const body = 'See {{outputs.pr.url}} (#{{ outputs.pr.number }}) on {{outputs.pr.branch}} at {{outputs.pr.sha}}'
  expect(resolveReferences(comment(body), new Map([['pr', pr]]))).toEqual(
    comment(`See https://forge/pull/3 (#3) on signalbox/x at ${'a'.repeat(40)}`),
  )
})

test('what is not there is named as none, and what is no reference stays as it is', () => {
  const receipts = new Map([
    ['nothing', null],
    ['issue', { url: 'https://forge/issues/1', created: true }],
  ])
  expect(resolveReferences(comment('{{outputs.nothing.url}} {{outputs.issue.sha}}'), receipts)).toEqual(
    comment('(none) (none)'),
  )
  const others = '{{outputs.later.url}} {{outputs.issue.created}} {{ secrets.TOKEN }} {{outputs.constructor.url}}'
  expect(resolveReferences(comment(others), receipts)).toEqual(comment(others))
  expect(resolveReferences(comment('{{outputs.pr.url}}'), new Map())).toEqual(comment('{{outputs.pr.url}}'))
})

test('texts inside an output are looked through, and files, paths and keys are not', () => {
  const output: Output = {
    kind: 'pull_request',
    repository: 'acme/shop',
    branch: 'signalbox/x',
    title: '{{outputs.pr.number}}',
    body: '',
    commitMessage: '{{outputs.pr.number}}',
    changes: [{ path: '{{outputs.pr.number}}', content: '{{outputs.pr.number}}' }],
    key: 'k',
  }
  expect(resolveReferences(output, new Map([['pr', pr]]))).toEqual({ ...output, title: '3' })
  const review: Output = {
    kind: 'review',
    repository: 'acme/shop',
    pullRequest: 1,
    commit: 'a'.repeat(40),
    body: '',
    comments: [{ path: 'a', line: 1, body: '{{outputs.pr.url}}' }],
    key: 'k',
  }
  expect(resolveReferences(review, new Map([['pr', pr]]))).toMatchObject({ comments: [{ body: pr.url }] })
})

test('a reference to no earlier output is refused before anything is stored', () => {
  const pull: Output = { kind: 'labels', repository: 'acme/shop', name: 'pr', target: { issue: 1 }, labels: [] }
  expect(() => requireReferences([pull, comment('{{outputs.pr.url}} {{ outputs.pr.number }}')])).not.toThrow()
  expect(() => requireReferences([comment('{{ secrets.X }} {{output.pr.url}} {{}}')])).not.toThrow()
  expect(() => requireReferences([comment('{{outputs.pr.url}}'), pull])).toThrow(
    'outputs.0.body: {{outputs.pr.url}} is no reference, because no earlier output has a name: name one with its url,',
  )
  for (const wrong of ['{{outputs.px.url}}', '{{outputs.pr.created}}', '{{outputs.pr}}', '{{ outputs.pr.url  }}']) {
    expect(() => requireReferences([pull, comment(`a {{outputs.pr.url}} ${wrong}`)])).toThrow(
      'earlier outputs are called pr',
    )
  }
})

test('text from outside that was made inert is no reference', () => {
  const outside = '{{outputs.pr.url}} and {{ outputs.none.url }}'
  for (const text of [inline(outside), codeSpan(outside), plainLine(outside, 100), ...fenced([outside], '')]) {
    expect(() => requireReferences([comment(text)])).not.toThrow()
    expect(resolveReferences(comment(text), new Map([['pr', pr]]))).toEqual(comment(text))
  }
})

test('why the job has ended is said inertly, and as long as the field allows', () => {
  const why = `Refused by @jane: ${'x'.repeat(2000)}`
  const output = resolveReferences(
    {
      kind: 'check',
      repository: 'acme/shop',
      commit: 'a'.repeat(40),
      check: 'review',
      status: 'completed',
      conclusion: 'cancelled',
      title: 'Ended: {{job.reason}}',
      summary: 'Because: {{ job.reason }}',
      key: '{{job.reason}}',
    },
    new Map(),
    why,
  )
  expect(output).toMatchObject({
    title: expect.stringMatching(/^Ended: Refused by ＠jane: x+…$/),
    summary: expect.stringMatching(/^Because: `Refused by ＠jane: x+…`$/),
    key: '{{job.reason}}',
  })
  const { title, summary } = output as { title: string; summary: string }
  expect([title.length, summary.length < 600]).toEqual([250, true])
  expect(resolveReferences(comment('{{job.reason}}'), new Map())).toEqual(comment('{{job.reason}}'))
  expect(resolveReferences(comment(inline('{{job.reason}}')), new Map(), 'x')).toEqual(
    comment(inline('{{job.reason}}')),
  )
})

test('only a pull request may refer to its own files', () => {
  const body = 'See {{outputs.this.files}}/a.txt'
  const pull = { kind: 'pull_request', repository: 'acme/shop', body } as Output
  requireReferences([pull])
  expect(resolveReferences(pull, new Map([['pr', pr]]))).toEqual(pull)
  expect(() => requireReferences([comment(body)])).toThrow('{{outputs.this.files}} is no reference')
})

test('a check may be of the commit of an earlier output', () => {
  const check = { kind: 'check', repository: 'acme/shop', commit: '{{outputs.pr.sha}}' } as Output
  expect(() => requireReferences([check])).toThrow('outputs.0.commit: {{outputs.pr.sha}} is no reference')
  expect(resolveReferences(check, new Map([['pr', pr]]))).toMatchObject({ commit: pr.sha })
})
