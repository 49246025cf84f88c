// What the lists have in common, shown for rows of no particular kind.
import { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { testTerminal } from '../../test/terminal.ts'
import type { PageOptions } from './page.ts'
import { printPage, statusOption, withPaging } from './page.ts'
import { cliOver } from './terminal.ts'

type Row = { id: string; note: string }

const COLUMNS = [
  { title: 'ID', value: (row: Row) => row.id },
  { title: 'NOTE', value: (row: Row) => row.note, shrinks: true },
]

function print(page: { items: Row[]; next: string | null }, { json = false, columns = 0 } = {}): string {
  const { terminal, printed } = testTerminal(columns === 0 ? {} : { columns })
  printPage(
    cliOver(terminal, () => json),
    page,
    'such notes',
    COLUMNS,
  )
  return printed.out
}

async function parsed(args: string[]): Promise<PageOptions & { status?: string }> {
  const command = withPaging(new Command('ls'))
    .addOption(statusOption({ open: true, shut: true }))
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .action(() => {})
  await command.parseAsync(args, { from: 'user' })
  return command.opts()
}

describe('the options of a list', () => {
  test('are 20 rows from the first on, unless said otherwise', async () => {
    expect(await parsed([])).toEqual({ limit: 20 })
    expect(await parsed(['-n', '7', '--cursor', 'abc', '--status', 'shut', '--server', 'http://x'])).toEqual({
      limit: 7,
      cursor: 'abc',
      status: 'shut',
      server: 'http://x',
    })
  })

  test.each(['1', '100'])('take --limit %s', async (limit) => {
    expect((await parsed(['--limit', limit])).limit).toBe(Number(limit))
  })

  test.each(['0', '101', '1.5', '-1', 'x', '', '1e2', ' 5'])('refuse --limit %j', async (limit) => {
    await expect(parsed([`--limit=${limit}`])).rejects.toThrow('It must be a number from 1 to 100.')
  })

  test('name the choices of a status', async () => {
    await expect(parsed(['--status', 'ajar'])).rejects.toThrow('Allowed choices are open, shut.')
  })
})

describe('a page', () => {
  const items = [
    { id: '1', note: 'one' },
    { id: '2', note: '二つ' },
  ]

  test('is a table, and says how to go on', () => {
    expect(print({ items, next: null })).toBe('ID  NOTE\n1   one\n2   二つ\n')
    expect(print({ items, next: '2' })).toBe('ID  NOTE\n1   one\n2   二つ\nThere are more: --cursor 2\n')
  })

  test('without rows is a sentence', () => {
    expect(print({ items: [], next: null })).toBe('There are no such notes.\n')
  })

  test('is the whole answer with --json, rows or not', () => {
    expect(JSON.parse(print({ items, next: '2' }, { json: true }))).toEqual({ items, next: '2' })
    expect(JSON.parse(print({ items: [], next: null }, { json: true }))).toEqual({ items: [], next: null })
  })

  test('fits the terminal', () => {
    const long = [{ id: '1', note: 'x'.repeat(100) }]
    expect(print({ items: long, next: null }, { columns: 20 })).toBe(`ID  NOTE\n1   ${'x'.repeat(15)}…\n`)
  })
})

test('an answer that is no list is said to be none of a Signalbox', () => {
  const { terminal } = testTerminal()
  const show = () =>
    printPage(
      cliOver(terminal, () => false),
      {} as never,
      'such notes',
      COLUMNS,
    )
  expect(show).toThrow(
    expect.objectContaining({ code: 'not_signalbox', hint: expect.stringContaining('SIGNALBOX_URL') }),
  )
})
