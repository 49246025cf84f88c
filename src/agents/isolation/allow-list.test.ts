import { once } from 'node:events'
import { request } from 'node:http'
import type { LookupFunction, Socket } from 'node:net'
import { createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { openTestFolder } from '../../../test/folder.ts'
import { openAllowList } from './allow-list.ts'

/** Every name is this machine. */
const inside: LookupFunction = (_, options, callback) => {
  if (options.all) callback(null, [{ address: '127.0.0.1', family: 4 }])
  else callback(null, '127.0.0.1', 4)
}

async function openEcho(): Promise<number> {
  const server = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as { port: number }).port
}

async function open(allow: readonly string[]) {
  const refused: string[] = []
  const onRefused = (target: string, reason: string) => refused.push(`${target} ${reason}`)
  const proxy = await openAllowList({ allow, folder: await openTestFolder(), onRefused, lookup: inside })
  onTestFinished(proxy.close)
  const tunnel = async (path: string) => {
    const asked = request({ socketPath: proxy.path, method: 'CONNECT', path }).end()
    const [{ statusCode }, socket] = (await once(asked, 'connect')) as [{ statusCode: number }, Socket]
    return { statusCode, socket }
  }
  return { ...proxy, refused, tunnel }
}

test('a host that is named is reached, wherever it is, and bytes go both ways', async () => {
  const port = await openEcho()
  const { tunnel, refused } = await open([`model.internal:${port}`])
  const { statusCode, socket } = await tunnel(`model.internal:${port}`)
  expect(statusCode).toBe(200)
  socket.write('hello')
  expect(String((await once(socket, 'data'))[0])).toBe('hello')
  expect(refused).toEqual([])
})

test('a host below a domain is reached at public addresses only', async () => {
  const port = await openEcho()
  const { tunnel, refused } = await open([`*.example.com:${port}`])
  expect((await tunnel(`rebound.example.com:${port}`)).statusCode).toBe(403)
  expect(refused).toEqual([`rebound.example.com:${port} its address is not public; name the host itself`])
})

test.each([
  'other.example.com:443',
  'api.example.com:8443',
  'api.example.com',
  '127.0.0.1:443',
  '[::1]:443',
  '/',
  ':443',
])('what is not named is refused: %s', async (target) => {
  const { tunnel, refused } = await open(['api.example.com'])
  expect((await tunnel(target)).statusCode).toBe(403)
  expect(refused).toEqual([`${target} network.allow does not name it`])
})

test('a request without a tunnel is refused', async () => {
  const { path: socketPath, refused } = await open(['api.example.com'])
  const [response] = await once(request({ socketPath, path: 'http://api.example.com/' }).end(), 'response')
  expect(response.statusCode).toBe(403)
  expect(refused).toEqual(['http://api.example.com/ only https: goes through, by CONNECT'])
})

test('its end cuts the tunnels', async () => {
  const port = await openEcho()
  const { tunnel, close } = await open([`127.0.0.1:${port}`])
  const { socket } = await tunnel(`127.0.0.1:${port}`)
  close()
  await once(socket.resume(), 'close')
})
