// GitHub's own library for receiving webhooks; nothing is stored.
import { createNodeMiddleware, Webhooks } from '@octokit/webhooks'
import { SECRET } from '../payload.ts'
import { listen } from './listen.ts'

const webhooks = new Webhooks({ secret: SECRET })
webhooks.on('push', () => {})
listen(createNodeMiddleware(webhooks, { path: '/webhook/github' }))
