import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import type { TestSignalbox } from '../../test/signalbox.ts'
import { openTestSignalbox } from '../../test/signalbox.ts'
import { cliOf } from '../../test/terminal.ts'
import { defineAgent } from '../agents/agent.ts'

const echo = defineAgent({ name: 'echo', description: 'Echoes.', input: z.unknown(), run: async () => ({}) })

let signalbox: TestSignalbox
let cli: ReturnType<typeof cliOf>
beforeAll(async () => {
  signalbox = await openTestSignalbox({ config: { agents: [echo] }, roles: { receiver: true, orchestrator: false } })
  cli = cliOf(signalbox)
})
afterAll(() => signalbox.close())

test('without a type it makes the ping, and says how to see it', async () => {
  const { code, out } = await cli.ask(['trigger'])
  expect(code).toBe(0)
  const [, id = ''] =
    /^Job (\S+) was made, and may still fail\.\nSee how it goes with: signalbox jobs show \1 .*--wait/.exec(out) ?? []
  expect(await cli.json(['jobs', 'show', id])).toMatchObject({ job_type: 'ping', status: 'pending' })
})

test('the payload reaches the job as it was given', async () => {
  const payload = { pr: 42, text: '日本語 "quoted" 👩‍💻' }
  const { jobs } = await cli.json<{ jobs: [string] }>(['trigger', 'echo', '--payload', JSON.stringify(payload)])
  expect(await cli.json(['jobs', 'show', jobs[0]])).toMatchObject({ job_type: 'echo', payload })
})

test('a payload that is no JSON is refused before anything is asked of the server', async () => {
  const before = await signalbox.count('signalbox.events')
  expect(await cli.ask(['trigger', 'echo', '--payload', '{pr: 42}'])).toMatchObject({
    code: 1,
    err: expect.stringContaining('--payload, line 1, column 2: '),
  })
  expect(await signalbox.count('signalbox.events')).toBe(before)
})

test('an unknown type is refused with those there are, as text or as JSON', async () => {
  expect(await cli.ask(['trigger', 'nope'])).toMatchObject({
    code: 1,
    err: expect.stringMatching(/"nope"; known: .*echo/),
  })
  const { err } = await cli.ask(['trigger', 'nope', '--json'])
  expect(JSON.parse(err)).toMatchObject({ code: 'job_type_unknown', hint: expect.any(String) })
})

test('one type at a time', async () => {
  expect(await cli.ask(['trigger', 'echo', 'ping'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('Too many arguments'),
  })
})
