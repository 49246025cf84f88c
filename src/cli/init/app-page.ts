// The pages of making a GitHub App, on this machine only: a form that posts the manifest to GitHub,
// and where GitHub sends the browser back to.
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { Hono } from 'hono'
import { html } from 'hono/html'
import type { AppManifest } from '../../config/app-manifest.ts'
import { errorText } from '../../lib/error.ts'
import { isLoopback } from '../../lib/loopback.ts'

/** What GitHub made. */
export type RegisteredApp = {
  id: number
  name: string
  url: string
  privateKey: string
  webhookSecret: string | null
}

type Parts = {
  /** Where GitHub makes Apps of manifests. */
  registerUrl: string
  /** The manifest, once the address of these pages is known. */
  manifest: (redirectUrl: string) => AppManifest
  /** Exchanges the code for the App, and stores it. */
  take: (code: string) => Promise<RegisteredApp>
  onTaken: (app: RegisteredApp) => void
}

const CODE = /^[\w-]{1,200}$/

/**
 * The pages, and the path of the first one, which nobody can guess: other accounts of this machine
 * reach the same port, and must not learn the state. A state is good for one answer of GitHub.
 */
export function appPages({ registerUrl, manifest, take, onTaken }: Parts): { app: Hono; path: string } {
  const path = `/${randomBytes(16).toString('hex')}`
  let state: string | null = newState()
  const form = (origin: string, problem: string | null) => {
    const action = new URL(registerUrl)
    action.searchParams.set('state', state ?? '')
    const value = JSON.stringify(manifest(`${origin}/created`))
    return page(
      'Make a GitHub App for Signalbox',
      html`${problem === null ? '' : html`<p><strong>${problem}</strong></p>`}
        <p>GitHub shows what it makes, and you confirm it there. You are sent back here afterwards.</p>
        <form method="post" action="${action.href}">
          <input type="hidden" name="manifest" value="${value}">
          <button type="submit">Make it on ${action.host}</button>
        </form>`,
    )
  }
  const app = new Hono()
  app.use(async (c, next) => {
    // A name that somebody else's server has given to this address is not one of this machine.
    if (!isLoopback(c.req.header('host') ?? '')) return c.text('This page is for this machine only.', 403)
    c.header('cache-control', 'no-store')
    // The program ends when the last page is there.
    c.header('connection', 'close')
    c.header('referrer-policy', 'no-referrer')
    c.header('x-frame-options', 'DENY')
    return next()
  })
  app.get(path, (c) => {
    if (state === null) return c.html(page('Nothing to do', html`<p>The App is made already.</p>`), 409)
    return c.html(form(new URL(c.req.url).origin, null))
  })
  app.get('/created', async (c) => {
    const { code = '', state: given = '' } = c.req.query()
    if (state === null || !isSame(state, given)) {
      const text = html`<p>This is no answer to what was asked here, or one that came before. Nothing was changed.</p>`
      return c.html(page('Not accepted', text), 403)
    }
    state = null
    try {
      if (!CODE.test(code)) throw new Error('GitHub sent no code.')
      const made = await take(code)
      onTaken(made)
      return c.html(finished(made))
    } catch (error) {
      state = newState()
      return c.html(form(new URL(c.req.url).origin, `It did not work: ${errorText(error)}`), 502)
    }
  })
  return { app, path }
}

/** Where an App is installed. */
export function installUrl({ url }: Pick<RegisteredApp, 'url'>): string {
  return `${url}/installations/new`
}

function finished(app: RegisteredApp) {
  return page(
    `${app.name} is made`,
    html`<p>Its credentials are in the file .env of this folder. You can close this page.</p>
      <p>One thing is left: <a href="${installUrl(app)}">install it</a> on the repositories that Signalbox is to work for.</p>`,
  )
}

function page(title: string, content: unknown) {
  return html`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title} · Signalbox</title>
<style>body{font:16px/1.5 system-ui;max-width:40rem;margin:3rem auto;padding:0 1rem}button{font:inherit;padding:.5rem 1rem}</style>
<h1>${title}</h1>
${content}</html>`
}

function newState(): string {
  return randomBytes(32).toString('base64url')
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}
