// Plain web pages at the `html_url`s, so that a person can click through what the demo made.
import { Hono } from 'hono'
import { html } from 'hono/html'

type Json = Record<string, unknown>

/** Reads one REST address as the repository's owner; null when it answers with an error. */
export type ReadRest = (owner: string, path: string) => Promise<unknown>

/** Browsers ask for HTML; API clients never do. */
export function wantsPage(request: Request): boolean {
  return request.method === 'GET' && (request.headers.get('accept') ?? '').includes('text/html')
}

/** The pages of repositories, pull requests, issues and commits. */
export function pagesApp(read: ReadRest): Hono {
  const list = async (owner: string, path: string) => ((await read(owner, path)) ?? []) as Json[]
  const pages = new Hono()
  pages.get('/:owner/:repo/pull/:number', async (c) => {
    const { owner, repo, number } = c.req.param()
    const pull = (await read(owner, `/repos/${owner}/${repo}/pulls/${number}`)) as Json | null
    if (pull === null) return c.notFound()
    const labels = (pull.labels as Json[]).map((label) => label.name).join(', ')
    const state = pull.merged_at ? 'merged' : pull.state
    return c.html(
      layout(
        `${pull.title} #${number}`,
        html`<p><b>${state}</b> · ${(pull.head as Json).ref} → ${(pull.base as Json).ref} · ${labels}</p><pre>${pull.body}</pre>
          ${files(await list(owner, `/repos/${owner}/${repo}/pulls/${number}/files`))}
          ${comments(await list(owner, `/repos/${owner}/${repo}/issues/${number}/comments`))}`,
      ),
    )
  })
  pages.get('/:owner/:repo/issues/:number', async (c) => {
    const { owner, repo, number } = c.req.param()
    const issue = (await read(owner, `/repos/${owner}/${repo}/issues/${number}`)) as Json | null
    if (issue === null) return c.notFound()
    const texts = comments(await list(owner, `/repos/${owner}/${repo}/issues/${number}/comments`))
    return c.html(
      layout(`${issue.title} #${number}`, html`<p><b>${issue.state}</b></p><pre>${issue.body}</pre>${texts}`),
    )
  })
  pages.get('/:owner/:repo/commit/:sha', async (c) => {
    const { owner, repo, sha } = c.req.param()
    const commit = (await read(owner, `/repos/${owner}/${repo}/commits/${sha}`)) as Json | null
    if (commit === null) return c.notFound()
    const texts = comments(await list(owner, `/repos/${owner}/${repo}/commits/${sha}/comments`))
    const message = (commit.commit as Json).message
    return c.html(layout(sha.slice(0, 7), html`<pre>${message}</pre>${files(commit.files as Json[])}${texts}`))
  })
  pages.get('/:owner/:repo/:pulls{pulls}?', async (c) => {
    const { owner, repo } = c.req.param()
    const found = await list(owner, `/repos/${owner}/${repo}/pulls?state=all&per_page=100`)
    const rows = found.map(
      (pull) =>
        html`<li><a href="${pull.html_url}">#${pull.number} ${pull.title}</a> (${pull.merged_at ? 'merged' : pull.state})</li>`,
    )
    return c.html(layout(`${owner}/${repo}`, html`<ul>${rows}</ul>`))
  })
  return pages
}

function layout(title: string, content: unknown) {
  return html`<!doctype html>
<meta charset="utf-8"><title>${title} · fake GitHub</title>
<style>body{font:16px/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}pre{background:#f4f4f4;padding:1rem;overflow:auto;white-space:pre-wrap}</style>
<h1>${title}</h1>
${content}`
}

function files(all: Json[]) {
  return all.map((file) => html`<h3>${file.filename}</h3><pre>${file.patch ?? 'no text difference'}</pre>`)
}

function comments(all: Json[]) {
  return all.map((one) => html`<h3>${(one.user as Json).login}</h3><pre>${one.body}</pre>`)
}
