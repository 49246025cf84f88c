// Node's own HTTP server, an HMAC and JSON.parse: no receiver in Node can do much less.
import { listen } from './listen.ts'
import { verifiedBody } from './verified-body.ts'

listen(async (request, response) => {
  const push = await verifiedBody(request)
  response.writeHead(push ? 200 : 401, { 'content-type': 'application/json' })
  response.end(push ? '{"received":true}' : '{"received":false}')
})
