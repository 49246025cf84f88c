// A stream of bytes, cut into lines.
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { linesOf } from './lines.ts'

async function cut(pieces: readonly string[], maxBytes?: number): Promise<string[]> {
  const lines: string[] = []
  for await (const line of linesOf(Readable.from(pieces.map((piece) => Buffer.from(piece))), maxBytes))
    lines.push(line.toString())
  return lines
}

test('lines are the same however the bytes come', async () => {
  expect(await cut(['on', 'e\n\ntw', 'o\nthree'])).toEqual(['one\n', '\n', 'two\n', 'three'])
})

test('a line that does not end is refused before it is all in memory', async () => {
  await expect(cut(['1234\n5678', '9012\n'], 8)).resolves.toEqual(['1234\n', '56789012\n'])
  await expect(cut(['1234\n5678', '9012', '3', '4\n'], 8)).rejects.toMatchObject({ code: 'backup_invalid' })
})
