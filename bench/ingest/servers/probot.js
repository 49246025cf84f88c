// Probot, as `probot run` starts it in production but with its log switched off; nothing is stored.
import { generateKeyPairSync } from 'node:crypto'
import { pino } from 'pino'
import { Probot, Server } from 'probot'
import { ready } from '../../parent.ts'
import { SECRET } from '../payload.ts'

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const log = pino({ level: 'silent' })
const server = new Server({
  host: '127.0.0.1',
  port: 0,
  webhookPath: '/webhook/github',
  log,
  Probot: Probot.defaults({
    appId: 1,
    privateKey: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
    secret: SECRET,
    log,
  }),
})
await server.load((app) => {
  app.on('push', () => {})
})
await server.start()
ready({ url: `http://127.0.0.1:${server.port}` }, () => server.stop())
