// A webhook receiver on this machine that reads every body and answers at once.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ready } from '../parent.ts'

const server = createServer((request, response) => {
  request.resume().on('end', () => response.end('{"received":true}'))
})
server.listen(0, '127.0.0.1', () => ready({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook` }))
