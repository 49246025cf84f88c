// `signalbox findings`: what reviews found, and how often they were right.
import type { CategoryPrecision, Finding, FindingStatus } from '@signalbox/sdk'
import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'
import { shortId } from '../lib/short-id.ts'
import type { ServerOptions } from './api-client.ts'
import { clientOf, withServer } from './api-client.ts'
import { withId } from './id.ts'
import type { PageOptions } from './page.ts'
import { printPage, statusOption, withPaging } from './page.ts'
import type { Column } from './table.ts'
import { fields } from './table.ts'
import type { Cli } from './terminal.ts'
import { age, plain } from './text.ts'

const COLUMNS: readonly Column<Finding>[] = [
  { title: 'ID', value: ({ id }) => id, short: shortId },
  { title: 'AGE', value: (finding) => age(finding.created_at) },
  { title: 'WHERE', value: scopeText, shrinks: true },
  { title: 'STATUS', value: ({ status }) => status },
  { title: 'SEVERITY', value: ({ severity }) => severity },
  { title: 'CATEGORY', value: ({ category }) => category },
  { title: 'LINE', value: placeText, shrinks: true },
  { title: 'TITLE', value: ({ title }) => title, shrinks: true },
]

const PRECISION: readonly Column<CategoryPrecision>[] = [
  { title: 'REPOSITORY', value: ({ repository }) => repository, shrinks: true },
  { title: 'CATEGORY', value: ({ category }) => category },
  { title: 'ACCEPTED', value: ({ accepted }) => accepted },
  { title: 'DISMISSED', value: ({ dismissed }) => dismissed },
  { title: 'OPEN', value: ({ open }) => open },
  { title: 'SHARE', value: ({ share }) => (share === null ? '' : `${Math.round(share * 100)} %`) },
  { title: 'MUTED', value: ({ muted }) => (muted ? 'muted' : '') },
]

const ID = '7c1d2b80-4f3e-8a21-9b60-5d0e1f2a3b4c'

function scopeText({ repository, pull_request, branch }: Finding): string {
  return pull_request === null ? `${repository}@${branch}` : `${repository}#${pull_request}`
}

function placeText({ path, line }: Finding): string {
  return line === null ? path : `${path}:${line}`
}

function findingText(finding: Finding): string {
  const head = fields([
    ['finding', finding.id],
    ['in', scopeText(finding)],
    ['at', placeText(finding)],
    ['status', finding.status],
    ['reason', finding.reason],
    ['category', finding.category],
    ['severity', finding.severity],
    ['confidence', finding.confidence],
    ['cost to check', finding.cost],
    ['reviewer', finding.reviewer],
    ['first seen in', finding.first_sha.slice(0, 7)],
    ['last seen in', finding.last_sha.slice(0, 7)],
    ['comment', finding.comment_url],
    ['job', finding.job_id],
    ['created', finding.created_at],
    ['decided', finding.decided_at],
  ])
  return `${head}\n\n${plain(finding.title)}\n\n${plain(finding.body)}`
}

type ListOptions = PageOptions & {
  repository?: string
  pullRequest?: number
  branch?: string
  status?: FindingStatus
  category?: string
}

function parseNumber(value: string): number {
  if (/^#?[1-9]\d{0,8}$/.test(value)) return Number(value.replace('#', ''))
  throw new InvalidArgumentError('It must be the number of a pull request.')
}

/** Adds `findings ls`, `show`, `dismiss` and `precision`. */
export function addFindings(findings: Command, cli: Cli): void {
  withPaging(findings.command('ls', { isDefault: true }))
    .description('list findings, newest first')
    .option('--repository <name>', 'only of this repository: owner/name')
    .option('--pull-request <number>', 'only of this pull request', parseNumber)
    .option('--branch <name>', 'only of what was pushed to this branch')
    .addOption(statusOption<FindingStatus>({ open: true, resolved: true, dismissed: true, outdated: true }))
    .option('--category <name>', 'only of this category')
    .addHelpText('after', '\nExample:\n  $ signalbox findings ls --repository acme/shop --status open')
    .action(async ({ server, pullRequest, ...query }: ListOptions) => {
      const filter = { ...query, pull_request: pullRequest }
      printPage(cli, await clientOf(cli, { server }).findings.list(filter), 'such findings', COLUMNS)
    })
  withId(withServer(findings.command('show')), 'finding')
    .description('show one finding')
    .addHelpText('after', `\nExample:\n  $ signalbox findings show ${ID}`)
    .action(async (id: string, options: ServerOptions) => {
      const finding = await clientOf(cli, options).findings.get(id)
      cli.print(finding, () => findingText(finding))
    })
  withId(withServer(findings.command('dismiss')), 'finding')
    .description('dismiss a finding for good: no later review of the repository reports it')
    .option('--reason <text>', 'why it is wrong or not wanted')
    .addHelpText('after', `\nExample:\n  $ signalbox findings dismiss ${ID} --reason "a public key"`)
    .action(async (id: string, { reason, ...options }: ServerOptions & { reason?: string }) => {
      const finding = await clientOf(cli, options).findings.dismiss(id, { reason })
      cli.print(finding, () => `Finding ${shortId(finding.id)} is dismissed in ${plain(finding.repository)}.`)
    })
  withServer(findings.command('precision'))
    .description('show how often each category was right, and which are muted')
    .option('--repository <name>', 'only of this repository: owner/name')
    .addHelpText('after', '\nExample:\n  $ signalbox findings precision --repository acme/shop')
    .action(async ({ repository, ...options }: ServerOptions & { repository?: string }) => {
      const page = await clientOf(cli, options).findings.precision({ repository })
      printPage(cli, page, 'findings', PRECISION)
    })
}
