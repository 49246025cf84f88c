// What a back-test says besides its numbers.
import type { RuleSummary, RuleTally } from '@signalbox/sdk'
import { expect, test } from 'vitest'
import { testTerminal } from '../../test/terminal.ts'
import type { Backtest } from './backtest.ts'
import { backtestText } from './backtest-text.ts'
import { cliOver } from './terminal.ts'

test('says of a rule that is off only where it fires', () => {
  const rule = (name: string, fires: number) =>
    ({
      rule: name,
      fires,
      same: 0,
      new: fires,
      gone: 0,
      asks: 0,
      examples: { same: [], new: [], gone: [] },
    }) as RuleTally
  const summary = (name: string) =>
    ({
      name,
      agent: 'a',
      off: 'set GITHUB_TOKEN',
      paused: null,
      concurrency: null,
      debounce: null,
    }) as unknown as RuleSummary
  const text = backtestText(
    cliOver(testTerminal().terminal, () => false),
    {
      since: '2026-01-01T00:00:00.000Z',
      until: null,
      rules_of: 'the server',
      cut: false,
      tally: { events: 3, rules: [rule('idle', 0), rule('busy', 2)] },
      rules: [summary('idle'), summary('busy')],
      costs: [],
    } as unknown as Backtest,
  )
  expect(text).toContain('- "busy" is off (set GITHUB_TOKEN)')
  expect(text).not.toContain('- "idle"')
})
