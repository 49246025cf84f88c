// Where a form on somebody's page posts the manifest of a GitHub App to. GitHub shows a page to
// confirm it; here every manifest that is valid is confirmed at once.
import type { Context } from 'hono'
import { Hono } from 'hono'
import { html } from 'hono/html'
import { z } from 'zod'
import { confirmManifest } from './app-handle.ts'
import type { Hub } from './hub.ts'

const PATH = /^(?:\/organizations\/[^/]+)?\/settings\/apps\/new$/
const LEVELS = ['read', 'write', 'admin'] as const

const manifest = z.strictObject({
  name: z.string().min(1).max(34),
  description: z.string().optional(),
  url: z.url(),
  hook_attributes: z.object({ url: z.url(), active: z.boolean().optional() }).optional(),
  redirect_url: z.url().optional(),
  callback_urls: z.array(z.url()).max(10).optional(),
  setup_url: z.url().optional(),
  public: z.boolean().optional(),
  default_permissions: z.record(z.string(), z.enum(LEVELS)).optional(),
  default_events: z.array(z.string()).optional(),
})

// Any one of these permissions: https://docs.github.com/en/webhooks/webhook-events-and-payloads
const NEEDS: Readonly<Record<string, readonly string[]>> = {
  push: ['contents'],
  release: ['contents'],
  commit_comment: ['contents'],
  issues: ['issues'],
  issue_comment: ['issues', 'pull_requests'],
  pull_request: ['pull_requests'],
  pull_request_review: ['pull_requests'],
  pull_request_review_comment: ['pull_requests'],
  check_run: ['checks'],
  check_suite: ['checks'],
  deployment: ['deployments'],
  deployment_status: ['deployments'],
  discussion: ['discussions'],
  discussion_comment: ['discussions'],
  status: ['statuses'],
}

/** Whether a request is the form of a manifest. */
export function isManifestForm(request: Request): boolean {
  return request.method === 'POST' && PATH.test(new URL(request.url).pathname)
}

/** The pages that manifests are posted to: for oneself, who is octocat, or for an organisation. */
export function manifestPages(hub: Hub): Hono {
  const pages = new Hono()
  pages.post('/settings/apps/new', (c) => confirm(c, hub, 'octocat'))
  pages.post('/organizations/:org/settings/apps/new', (c) => confirm(c, hub, c.req.param('org')))
  return pages
}

async function confirm(c: Context, hub: Hub, owner: string) {
  const { manifest: given } = await c.req.parseBody()
  const refused = (why: string) => c.html(html`<!doctype html><p>The manifest is not valid: ${why}</p>`, 422)
  if (typeof given !== 'string') return refused('there is none')
  const { data, error } = manifest.safeParse(parse(given))
  if (error) return refused(z.prettifyError(error))
  const { hook_attributes, redirect_url, default_permissions, default_events, public: isPublic, ...rest } = data
  if ([...hub.state.apps.values()].some(({ slug }) => slug === data.name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')))
    return refused('name is already in use')
  const granted = Object.keys(default_permissions ?? {})
  const unsupported = (default_events ?? []).filter((event) => !NEEDS[event]?.some((name) => granted.includes(name)))
  if (unsupported.length > 0) return refused(`default events unsupported: ${unsupported.join(', ')}`)
  const { redirectUrl } = confirmManifest(
    hub,
    {
      name: rest.name,
      url: rest.url,
      ...(hook_attributes && { hook_attributes: { url: hook_attributes.url } }),
      ...(redirect_url && { redirect_url }),
      ...(default_permissions && { default_permissions }),
      ...(default_events && { default_events }),
      ...(isPublic !== undefined && { public: isPublic }),
    },
    owner,
  )
  const back = new URL(redirectUrl)
  const state = c.req.query('state')
  if (state !== undefined) back.searchParams.set('state', state)
  return c.redirect(back.href, 302)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
