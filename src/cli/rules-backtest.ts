// `signalbox rules backtest`: what it is asked with.
import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'
import type { ConfiguredOptions } from './configured.ts'
import { withConfigured } from './configured.ts'
import { parseTime } from './since.ts'
import type { Cli } from './terminal.ts'

const DEFAULT_SINCE = '30d'

/** The options of `rules backtest`. */
export type BacktestOptions = ConfiguredOptions & {
  since: string
  until?: string
  type?: string
  source?: string
  rule?: string
  limit?: number
}

function parseCount(value: string): number {
  if (/^[1-9]\d{0,8}$/.test(value)) return Number(value)
  throw new InvalidArgumentError('It must be a number from 1 on.')
}

/** Adds `rules backtest`. */
export function addRulesBacktest(rules: Command, cli: Cli): void {
  withConfigured(rules.command('backtest'))
    .description('say what rules would have made of past events, beside what happened, without doing anything')
    .option('--since <time>', `from when on: how long ago (2h, 30d), or a time`, parseTime, parseTime(DEFAULT_SINCE))
    .option('--until <time>', 'and until when (default: now)', parseTime)
    .option('--type <type>', 'only events of this type, or a glob such as "issues.*"')
    .option('--source <name>', 'only events from this source')
    .option('--rule <name>', 'only this rule')
    .option('--limit <count>', 'look at so many events at most, the oldest first', parseCount)
    .addHelpText(
      'after',
      `
Examples:
  $ signalbox rules backtest --since 7d
  $ signalbox rules backtest --config draft.ts --rule review`,
    )
    .action(async (options: BacktestOptions) => {
      const { backtest } = await import('./backtest.ts')
      await backtest(cli, options)
    })
}
