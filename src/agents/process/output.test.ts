// How much of what an agent logs leaves its child process.
import { beforeEach, expect, it } from 'vitest'
import { openOutput } from './output.ts'

const write = { stdout: process.stdout.write, stderr: process.stderr.write }
let passed: number
let log: (text: string, stream?: string, fields?: string) => void
beforeEach(() => {
  passed = 0
  log = openOutput(() => passed++).log
  // Those of the tests go on as they were.
  for (const stream of ['stdout', 'stderr'] as const) process[stream].write = write[stream]
})

it('passes on as many lines as a log keeps, however long they and their fields are', () => {
  const fields = JSON.stringify({ text: 'f'.repeat(3989) })
  for (let n = 0; n <= 10_000; n++) log('x'.repeat(4000), undefined, fields)
  expect(passed).toBe(10_001)
})

it('passes on no more of what is printed without end', () => {
  for (let n = 0; n < 1000; n++) log('x'.repeat(1_000_000))
  expect(passed).toBeLessThan(100)
})
