// A back-test: what rules would have made of past events, without doing anything.
import type { BacktestQuery, RuleCost, RuleSummary } from '@signalbox/sdk'
import type { Tally } from '../replay/backtest.ts'
import { addTallies, rulesToTest, tallyOf } from '../replay/backtest.ts'
import type { PastEvent } from '../replay/history.ts'
import { ruleRow } from '../rules/wire.ts'
import { addressAndToken, clientOf } from './api-client.ts'
import { backtestText } from './backtest-text.ts'
import { loadConfigured } from './config-file.ts'
import { placeOf, withLocalHint } from './configured.ts'
import { CliError } from './failure.ts'
import { openPast } from './past.ts'
import type { Progress } from './progress.ts'
import { progressOn } from './progress.ts'
import type { BacktestOptions } from './rules-backtest.ts'
import type { Cli } from './terminal.ts'

/** A back-test, and what it is of. */
export type Backtest = {
  since: string
  until: string | null
  rules_of: string
  /** Whether it ended because of `--limit`. */
  cut: boolean
  tally: Tally
  rules: readonly RuleSummary[]
  costs: readonly RuleCost[]
}

type Page = { tally: Tally; newest: string | null; next: string | null }

/** Tests by the server's rules or a file's, and prints what came of it. */
export async function backtest(cli: Cli, options: BacktestOptions): Promise<void> {
  const progress = progressOn(cli)
  const isLocal = options.local || options.config !== undefined
  const tested = await (isLocal ? ofFile(cli, options, progress) : withLocalHint(ofServer(cli, options, progress)))
  progress.end()
  cli.print(tested, () => backtestText(cli, tested))
}

/** Reads page after page; what is kept of each is its counts. */
async function tallyPages(
  read: (query: Pick<BacktestQuery, 'after' | 'limit'>) => Promise<Page>,
  { limit = Number.POSITIVE_INFINITY }: Pick<BacktestOptions, 'limit'>,
  progress: Progress,
): Promise<{ tally: Tally; cut: boolean }> {
  let tally: Tally = { events: 0, rules: [] }
  let after: string | undefined
  do {
    const left = limit - tally.events
    if (left <= 0) return { tally, cut: true }
    const page = await read({ after, limit: Math.min(left, PAGE) })
    tally = addTallies(tally, page.tally)
    progress.say(`${tally.events} events${page.newest === null ? '' : `, up to ${page.newest}`} …`)
    after = page.next ?? undefined
  } while (after !== undefined)
  return { tally, cut: false }
}

const PAGE = 2000

/** By the rules of the server, which counts them itself. */
async function ofServer(cli: Cli, options: BacktestOptions, progress: Progress): Promise<Backtest> {
  const { since, until, type, source, rule } = options
  const client = clientOf(cli, options)
  const [{ items: rules }, { items: costs }] = await Promise.all([client.rules.list(), client.rules.costs()])
  const span = { since, until, type, source, rule }
  const counted = await tallyPages((page) => client.rules.backtest({ ...span, ...page }), options, progress)
  const whose = `the server ${addressAndToken(cli, options).url}`
  return { since, until: until ?? null, rules_of: whose, ...counted, rules, costs }
}

/** By a configuration file, whose code runs here. */
async function ofFile(cli: Cli, options: BacktestOptions, progress: Progress): Promise<Backtest> {
  const { since, until, type, source, rule, server } = options
  const configured = await loadConfigured(cli, options)
  const rules = rulesToTest(configured.rules, rule)
  if (rules.length === 0) throw noRule(rule)
  const past = await openPast(cli, { server })
  try {
    const read = async (page: Pick<BacktestQuery, 'after' | 'limit'>) => {
      const { items, next } = await past.events({ since, until, type, source, ...page })
      // JSON has no fact that is undefined.
      return { tally: tallyOf(rules, items as PastEvent[], rule), newest: items.at(-1)?.received_at ?? null, next }
    }
    const counted = await tallyPages(read, options, progress)
    const rows = configured.rules.map((each) => ruleRow(each))
    const whose = placeOf(configured, cli.folder)
    return { since, until: until ?? null, rules_of: whose, ...counted, rules: rows, costs: await past.costs() }
  } finally {
    await past.close()
  }
}

function noRule(name: string | undefined): CliError {
  const detail = name === undefined ? 'The configuration has no rules.' : `There is no rule ${JSON.stringify(name)}.`
  return new CliError('not_found', detail, 'See which there are: signalbox rules ls --local')
}
