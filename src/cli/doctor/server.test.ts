// The doctor on addresses: what listens on the port, and where the public address leads.
import type { RequestListener } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { readEnvironment } from '../../lib/environment.ts'
import { portCheck, publicUrlCheck } from './server.ts'

async function openServer(answer: RequestListener): Promise<{ port: string; url: string; asked: string[] }> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    response.setHeader('connection', 'close')
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  return { port: `${port}`, url: `http://127.0.0.1:${port}`, asked }
}

function healthy(version: string): RequestListener {
  return (_request, response) => response.end(JSON.stringify({ service: 'signalbox', status: 'healthy', version }))
}
function publicCheck(url: string) {
  return publicUrlCheck(readEnvironment({ SIGNALBOX_PUBLIC_URL: url }))
}

describe('the public address', () => {
  test('is asked for its health, with the path it has', async () => {
    const { url, asked } = await openServer(healthy('1.0.0'))
    for (const address of [url, `${url}/`, `${url}/box`, `${url}/box/`]) {
      expect(await publicCheck(address)).toMatchObject([
        { status: 'ok', detail: expect.stringMatching(/ leads to Signalbox 1\.0\.0$/) },
      ])
    }
    expect(asked).toEqual(['/health', '/health', '/box/health', '/box/health'])
  })

  const answers: [string, RequestListener][] = [
    ['a page', (_request, response) => response.end('<h1>Welcome</h1>')],
    ['JSON of something else', (_request, response) => response.end('{"service":"other"}')],
    ['a text', (_request, response) => response.end('"signalbox"')],
    ['nothing', (_request, response) => response.end()],
    ['a redirect', (_request, response) => response.writeHead(302, { location: '/elsewhere' }).end()],
  ]
  test.each(answers)('that answers with %s leads to something else', async (_what, answer) => {
    const { url } = await openServer(answer)
    expect(await publicCheck(url)).toMatchObject([{ status: 'problem', detail: `${url} leads to something else` }])
  })

  test('that answers nothing is a warning, for the server may not be running yet', async () => {
    expect(await publicCheck('http://127.0.0.1:9')).toMatchObject([
      { status: 'warning', hint: expect.stringContaining('tunnel') },
    ])
  })

  test('is not looked at when there is none', async () => {
    expect(await publicUrlCheck(readEnvironment({}))).toEqual([])
  })
})

describe('the port', () => {
  const check = (PORT: string, HOST?: string) => portCheck(readEnvironment({ PORT, ...(HOST && { HOST }) }))

  test('of a Signalbox without its database says where to look', async () => {
    const { port } = await openServer((_request, response) =>
      response.writeHead(503).end(JSON.stringify({ service: 'signalbox', status: 'unhealthy', version: '1.0.0' })),
    )
    expect(await check(port)).toMatchObject({
      status: 'problem',
      detail: 'Signalbox 1.0.0 listens there without its database',
      hint: expect.stringContaining('database above'),
    })
  })

  test('on all addresses is looked at on this machine', async () => {
    const { port } = await openServer(healthy('2.0.0'))
    for (const host of [undefined, '0.0.0.0', '::', '127.0.0.1']) {
      expect(await check(port, host)).toMatchObject({ status: 'ok', detail: expect.stringContaining('2.0.0') })
    }
  })

  test('on an address that this machine does not have cannot be used', async () => {
    expect(await check('8123', '203.0.113.7')).toMatchObject({
      name: 'port 8123',
      status: 'problem',
      detail: expect.stringMatching(/^cannot be used: .*EADDRNOTAVAIL/),
    })
  })

  test('0 is any that is free', async () => {
    expect(await check('0')).toEqual({ name: 'port', status: 'ok', detail: 'the system chooses one', hint: null })
  })
})
