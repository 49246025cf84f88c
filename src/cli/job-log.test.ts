// Following a log, against a client that answers from a script: what grows between two requests.
import type { JobDetail, JobLogLine, SignalboxClient } from '@signalbox/sdk'
import { expect, test } from 'vitest'
import { testTerminal } from '../../test/terminal.ts'
import { logLineText, printLog } from './job-log.ts'
import { cliOver } from './terminal.ts'

function line(id: number, text = `line ${id}`): JobLogLine {
  return { id, attempt: 1, at: '2026-01-01T00:00:00.000Z', stream: 'log', line: text }
}

/**
 * A job whose log has `batches[n]` more lines, and whose status is `statuses[n]`, when it is asked
 * for the n-th time.
 */
function scripted(statuses: JobDetail['status'][], batches: JobLogLine[][], pageSize = 2) {
  const asked: number[] = []
  let look = -1
  const client = {
    jobs: {
      get: async () => ({ status: statuses[++look] }),
      log: async (_id: string, { after = 0 }: { after?: number }) => {
        asked.push(after)
        const written = batches.slice(0, Math.max(look, 0) + 1).flat()
        const left = written.filter(({ id }) => id > after)
        const items = left.slice(0, pageSize)
        return { items, next: left.length > pageSize ? (items.at(-1)?.id ?? null) : null }
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
    { id: 'job', follow, everyMs: 0 },
  )
  return printed.out
}

test('every line is printed once, over pages and looks', async () => {
  const batches = [[line(1), line(2), line(3)], [], [line(7)], [line(9), line(10)]]
  const { client, asked } = scripted(['running', 'running', 'running', 'completed'], batches)
  const out = await print(client, true)
  expect(out.match(/line \d+/g)).toEqual([1, 2, 3, 7, 9, 10].map((id) => `line ${id}`))
  expect(asked).toEqual([0, 2, 3, 3, 7])
})

test.each(['completed', 'failed', 'cancelled'] as const)('a job that is %s is not followed further', async (status) => {
  const { client, asked } = scripted([status], [[line(1)]])
  await print(client, true)
  expect(asked).toEqual([0])
})

test('a waiting job goes on, for it may be run again', async () => {
  const { client } = scripted(['pending', 'waiting', 'failed'], [[], [], [line(1)]])
  expect(await print(client, true)).toContain('line 1')
})

test('without --follow the status is not asked for', async () => {
  const { client, asked } = scripted([], [[line(1), line(2), line(3)]])
  expect((await print(client, false)).split('\n')).toHaveLength(4)
  expect(asked).toEqual([0, 2])
})

test('an empty log prints nothing', async () => {
  expect(await print(scripted([], [[]]).client, false)).toBe('')
})

test('with --json each line is the object itself', async () => {
  const odd = line(1, 'a\nb \u001b[0m 日本')
  const out = await print(scripted([], [[odd]]).client, false, true)
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
