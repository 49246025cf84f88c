// The board, the alerts and docs/metrics.md name the metrics that `/metrics` really has.
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TestSignalbox } from './signalbox.ts'
import { openTestSignalbox } from './signalbox.ts'

function read(path: string): string {
  return readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
}

type Panel = { title: string; targets?: { expr: string }[] }
const { panels } = JSON.parse(read('deploy/grafana/signalbox.json')) as { panels: Panel[] }
const alerts = read('deploy/prometheus/alerts.yaml')
const docs = read('docs/metrics.md')

let signalbox: TestSignalbox
let types: ReadonlyMap<string, string>
let series: ReadonlySet<string>
let counted: ReadonlySet<string>
beforeAll(async () => {
  signalbox = await openTestSignalbox()
  const text = await (await signalbox.api('/metrics')).text()
  counted = new Set([...text.matchAll(/^([a-z]\w*)[{ ]/gm)].map(([, name = '']) => name))
  types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]))
  const all = [...types].flatMap(([name, type]) =>
    type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => name + end) : [name],
  )
  // Prometheus itself makes this one.
  series = new Set([...all, 'up'])
})
afterAll(() => signalbox.close())

/** The names of the metrics in an expression: what is neither a label, a function nor a keyword. */
function namesIn(expression: string): string[] {
  const bare = expression.replace(/\{[^}]*\}|\b(?:by|on|without)\s*\([^)]*\)|\[\w+\]|"[^"]*"/g, ' ')
  const words = [...bare.matchAll(/(?<![\w.])[a-z_]\w*\b(?!\s*\()/g)].map(([word]) => word)
  return words.filter((word) => !['by', 'on', 'and', 'or', 'unless', 'le'].includes(word))
}

test('every query of the board is about metrics that there are', () => {
  const queries = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
  expect(queries.length).toBeGreaterThan(30)
  for (const query of queries) {
    const names = namesIn(query)
    expect([query, names.length > 0 && names.every((name) => series.has(name))]).toEqual([query, true])
  }
})

test('every alert is about metrics that there are, and docs/metrics.md says what to do', () => {
  const rules = [...alerts.matchAll(/- alert: (\w+)\n\s+expr: (?:>-\n)?(.*?)\n\s+for:/gs)]
  expect(rules).toHaveLength(alerts.split('- alert:').length - 1)
  for (const [, alert, expression = ''] of rules) {
    const names = namesIn(expression)
    expect([alert, names.length > 0 && names.every((name) => series.has(name))]).toEqual([alert, true])
  }
  const explained = [...docs.matchAll(/^\| `(Signalbox\w+)` \|/gm)].map(([, name]) => name)
  expect(explained).toEqual(rules.map(([, name]) => name))
})

test('no alert waits for a 0 of something that is missing until it is counted', () => {
  const zeros = [...alerts.matchAll(/(?:rate|increase)\((\w+)[^)]*\)\)? == 0/g)].map(([, name = '']) => name)
  expect(zeros).toContain('signalbox_claim_latency_seconds_count')
  expect(zeros.filter((name) => !counted.has(name))).toEqual([])
})

test('docs/metrics.md lists exactly our metrics', () => {
  const listed = [...docs.matchAll(/^\| `(signalbox_\w+)` \|/gm)].map(([, name]) => name)
  expect(listed.sort()).toEqual([...types.keys()].filter((name) => name.startsWith('signalbox_')).sort())
})

test('names follow the conventions: counters end in _total, times are in seconds', () => {
  const own = [...types].filter(([name]) => name.startsWith('signalbox_'))
  for (const [name, type] of own) expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter'])
  expect(own.filter(([name]) => /_(?:ms|milliseconds|minutes|mb|kb)\b/.test(name))).toEqual([])
})
