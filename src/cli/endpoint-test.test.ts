import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestSignalbox } from '../../test/signalbox.ts'
import { openTestSignalbox } from '../../test/signalbox.ts'
import { cliOf } from '../../test/terminal.ts'

let signalbox: TestSignalbox
let cli: ReturnType<typeof cliOf>
let id: string
let status = 200
const receiver = createServer((_request, response) => {
  response.writeHead(status, { connection: 'close' }).end(`answered \u001b[31m${status}`)
})
beforeAll(async () => {
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  signalbox = await openTestSignalbox()
  cli = cliOf(signalbox)
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`
  id = (await cli.json<{ id: string }>(['endpoints', 'add', '--url', url, '--name', 'mine', '--events', 'job.*'])).id
})
afterAll(async () => {
  receiver.close()
  await signalbox.close()
})

describe('endpoints test', () => {
  test('shows what the endpoint answered, and how long it took', async () => {
    const { code, out } = await cli.ask(['endpoints', 'test', id])
    expect(code).toBe(0)
    expect(out).toMatch(
      /^sent {6}job\.completed to mine\nstatus {4}arrived, 200\ntook {6}\d+ ms\nevent {5}\S+\ndelivery {2}\S+\n/,
    )
    expect(out).toContain('Answer\n  answered \ufffd[31m200')
  })

  test('ends with 1 when it did not arrive, and says why', async () => {
    status = 503
    const { code, out } = await cli.ask(['endpoints', 'test', id, '--type', 'push'])
    expect([code, out]).toEqual([
      1,
      expect.stringMatching(/^sent {6}push to mine\nstatus {4}did not arrive: http_503\n/),
    ])
    status = 200
  })

  test('prints the delivery with --json', async () => {
    expect(await cli.json(['endpoints', 'test', id])).toMatchObject({ status: 'succeeded', attempts: [{ attempt: 1 }] })
  })

  test('says how to make it active when it is paused', async () => {
    await cli.ask(['endpoints', 'pause', id])
    const { code, err } = await cli.ask(['endpoints', 'test', id])
    expect([code, err]).toEqual([1, expect.stringContaining(`signalbox endpoints enable ${id}`)])
    await cli.ask(['endpoints', 'enable', id])
  })

  test('names a type that is not known', async () => {
    const { code, err } = await cli.ask(['endpoints', 'test', id, '--type', 'pusj'])
    expect([code, err]).toEqual([1, expect.stringContaining('did you mean "push"')])
  })
})

describe('events types', () => {
  test('lists all, or those of a glob', async () => {
    expect((await cli.ask(['events', 'types'])).out).toMatch(
      /^TYPE +SOURCE +WHAT IT IS\nenvironment\.deployed +signalbox/,
    )
    expect((await cli.ask(['events', 'types', 'job.*'])).out.split('\n')).toHaveLength(5)
  })

  test('shows the schema and an example of one', async () => {
    const { code, out } = await cli.ask(['events', 'types', 'job.failed'])
    expect(code).toBe(0)
    expect(out).toMatch(/\nExample\n {2}\{\n {4}"event": "job\.failed"/)
    expect(out).toMatch(/\nSchema\n {2}\{/)
    expect(await cli.json(['events', 'types', 'job.failed'])).toMatchObject({ type: 'job.failed', schema: {} })
  })
})
