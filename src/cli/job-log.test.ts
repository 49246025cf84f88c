// Printing a log, against a client that answers from a script.
import type { JobLogLine, SignalboxClient } from '@signalbox/sdk'
import { expect, test } from 'vitest'
import { testTerminal } from '../../test/terminal.ts'
import { logLineText, printLog } from './job-log.ts'
import { cliOver } from './terminal.ts'

function line(id: number, text = `line ${id}`): JobLogLine {
  return { id, attempt: 1, at: '2026-01-01T00:00:00.000Z', stream: 'log', line: text, fields: null }
}

/** A client whose log has these lines, in pages, and which follows it by those of `live`. */
function scripted(lines: JobLogLine[], live: JobLogLine[] = []) {
  const asked: number[] = []
  const client = {
    jobs: {
      get: async () => ({}),
      log: async (_id: string, { after = 0 }: { after?: number }) => {
        asked.push(after)
        const left = lines.filter(({ id }) => id > after)
        const items = left.slice(0, 2)
        return { items, next: left.length > 2 ? (items.at(-1)?.id ?? null) : null }
      },
      follow: async function* () {
        yield* live
      },
    },
  } as unknown as SignalboxClient
  return { client, asked }
}

async function print(client: SignalboxClient, follow: boolean, json = false): Promise<string> {
  const { terminal, printed } = testTerminal()
  await printLog(
    cliOver(terminal, () => json),
    client,
    { id: 'job', follow },
  )
  return printed.out
}

test('every line is printed once, over pages', async () => {
  const { client, asked } = scripted([line(1), line(2), line(3)])
  expect((await print(client, false)).split('\n')).toHaveLength(4)
  expect(asked).toEqual([0, 2])
})

test('with --follow the lines are those that the client follows', async () => {
  const { client, asked } = scripted([], [line(1), line(7)])
  expect((await print(client, true)).match(/line \d+/g)).toEqual(['line 1', 'line 7'])
  expect(asked).toEqual([])
})

test('where another attempt begins is said', async () => {
  const again = [line(1), { ...line(2), attempt: 2 }, { ...line(3), attempt: 2 }]
  const at = '2026-01-01T00:00:00.000Z log  line'
  expect(await print(scripted(again).client, false)).toBe(`${at} 1\nAttempt 2:\n${at} 2\n${at} 3\n`)
})

test('an empty log prints nothing', async () => {
  expect(await print(scripted([]).client, false)).toBe('')
})

test('with --json each line is the object itself', async () => {
  const odd = line(1, 'a\nb \u001b[0m 日本')
  const out = await print(scripted([odd]).client, false, true)
  expect(
    out
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text)),
  ).toEqual([odd])
})

test('a line shows when, from where and what, and cannot control the terminal', () => {
  expect(logLineText(line(1, 'a\u001b[2Jb\u202e'))).toBe('2026-01-01T00:00:00.000Z log  a\ufffd[2Jb\ufffd')
})

test('its fields come after it, each as one word', () => {
  const fields = { kind: 'bug report', confidence: 0.9, path: 'a\u001b[2J', labels: ['x', 'y'], none: null }
  expect(logLineText({ ...line(1, 'labelled'), fields })).toBe(
    '2026-01-01T00:00:00.000Z log  labelled kind="bug report" confidence=0.9 path=a\ufffd[2J labels=["x","y"] none=null',
  )
})
