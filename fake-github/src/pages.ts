// Plain web pages at the `html_url`s, so that a person can click through what the demo made.
import type { Context } from 'hono'
import { Hono } from 'hono'
import { html } from 'hono/html'
import type { Hub } from './hub.ts'
import { fullName } from './shapes/repositories.ts'
import type { Repository } from './state.ts'
import { repositoryKey } from './state.ts'

type Json = Record<string, unknown>

/** Reads one REST address as the repository's owner; null when it answers with an error. */
export type ReadRest = (owner: string, path: string) => Promise<unknown>

const PAGE_SIZE = 100

/**
 * Browsers ask for HTML and API clients never do. Any client gets the page of an address below a
 * repository, because the API has no such address.
 */
export function wantsPage(hub: Hub, request: Request): boolean {
  const { pathname } = new URL(request.url)
  if (request.method !== 'GET' || /^\/api\/v3(\/|$)/.test(pathname)) return false
  if ((request.headers.get('accept') ?? '').includes('text/html')) return true
  const [, owner = '', name = ''] = pathname.split('/')
  return hub.state.repositories.has(repositoryKey(owner, name))
}

/** The pages of repositories, pull requests, issues and commits. */
export function pagesApp(hub: Hub, read: ReadRest): Hono {
  const pages = new Hono({ strict: false })
  pages.notFound((c) => c.html(layout('Not found', crumbs(), 'There is no such page.'), 404))
  pages.get('/', (c) => c.html(layout('Repositories', '', repositories([...hub.state.repositories.values()]))))
  pages.get('/:owner', (c) => {
    const owner = c.req.param('owner')
    const own = [...hub.state.repositories.values()].filter((repo) => isCalled(repo.owner.login, owner))
    return own.length === 0 ? c.notFound() : c.html(layout(owner, crumbs(), repositories(own)))
  })
  pages.use('/:owner/:repo/*', async (c, next) => {
    const { owner, repo } = c.req.param()
    return hub.state.repositories.has(repositoryKey(owner, repo)) ? next() : c.notFound()
  })
  pages.get('/:owner/:repo', (c) => showList(c, read, 'pulls'))
  pages.get('/:owner/:repo/pulls', (c) => showList(c, read, 'pulls'))
  pages.get('/:owner/:repo/issues', (c) => showList(c, read, 'issues'))
  pages.get('/:owner/:repo/pull/:number', (c) => showPull(c, read))
  pages.get('/:owner/:repo/issues/:number', (c) => showIssue(c, read))
  pages.get('/:owner/:repo/commit/:sha', (c) => showCommit(c, read))
  return pages
}

function isCalled(login: string, name: string): boolean {
  return login.toLowerCase() === name.toLowerCase()
}

async function showList(c: Context, read: ReadRest, kind: 'pulls' | 'issues') {
  const { owner, name, api } = place(c)
  const page = Number(c.req.query('page') ?? 1)
  const found = (await read(owner, `${api}/${kind}?state=all&per_page=${PAGE_SIZE}&page=${page}`)) as Json[] | null
  if (found === null) return c.notFound()
  const rows = found.filter((each) => kind === 'pulls' || !each.pull_request).map(row)
  const more = found.length === PAGE_SIZE ? html`<p><a href="?page=${page + 1}">more</a></p>` : ''
  const content = html`${rows.length === 0 ? html`<p>none</p>` : html`<ul>${rows}</ul>`}${more}`
  return c.html(layout(`${name}: ${kind === 'pulls' ? 'pull requests' : 'issues'}`, crumbs(owner, name), content))
}

function row(issue: Json) {
  return html`<li><a href="${issue.html_url}">#${issue.number} ${issue.title}</a> (${stateOf(issue)})</li>`
}

async function showPull(c: Context, read: ReadRest) {
  const { owner, name, api } = place(c)
  const number = c.req.param('number')
  const pull = (await read(owner, `${api}/pulls/${number}`)) as Json | null
  if (pull === null) return c.notFound()
  const content = html`<p>${state(pull)} · ${(pull.head as Json).ref} → ${(pull.base as Json).ref} · ${labels(pull)}</p>
    ${text(pull.body)}${files(await list(read, owner, `${api}/pulls/${number}/files`))}
    ${comments(await list(read, owner, `${api}/issues/${number}/comments`))}`
  return c.html(layout(`${pull.title} #${number}`, crumbs(owner, name), content))
}

async function showIssue(c: Context, read: ReadRest) {
  const { owner, name, api } = place(c)
  const number = c.req.param('number')
  const issue = (await read(owner, `${api}/issues/${number}`)) as Json | null
  if (issue === null) return c.notFound()
  const content = html`<p>${state(issue)} · ${labels(issue)}</p>
    ${text(issue.body)}${comments(await list(read, owner, `${api}/issues/${number}/comments`))}`
  return c.html(layout(`${issue.title} #${number}`, crumbs(owner, name), content))
}

async function showCommit(c: Context, read: ReadRest) {
  const { owner, name, api } = place(c)
  const sha = c.req.param('sha') ?? ''
  const commit = (await read(owner, `${api}/commits/${encodeURIComponent(sha)}`)) as Json | null
  if (commit === null) return c.notFound()
  const content = html`${text((commit.commit as Json).message)}${files(commit.files as Json[])}
    ${comments(await list(read, owner, `${api}/commits/${sha}/comments`))}`
  return c.html(layout(sha.slice(0, 7), crumbs(owner, name), content))
}

/** The repository of an address, and where it is in the REST API. */
function place(c: Context) {
  const owner = c.req.param('owner') ?? ''
  const repo = c.req.param('repo') ?? ''
  const name = `${owner}/${repo}`
  return { owner, name, api: `/repos/${encodeURIComponent(owner)}/${encodeURIComponent(repo)}` }
}

async function list(read: ReadRest, owner: string, path: string): Promise<Json[]> {
  return ((await read(owner, `${path}?per_page=${PAGE_SIZE}`)) ?? []) as Json[]
}

function layout(title: string, above: unknown, content: unknown) {
  return html`<!doctype html>
<meta charset="utf-8"><title>${title} · fake GitHub</title>
<style>body{font:16px/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}pre{background:#f4f4f4;padding:1rem;overflow:auto;white-space:pre-wrap}</style>
<p>${above}</p>
<h1>${title}</h1>
${content}
`
}

/** The way back: all repositories, the owner's, this one's pull requests and issues. */
function crumbs(owner?: string, name?: string) {
  const all = html`<a href="/">fake GitHub</a>`
  if (owner === undefined || name === undefined) return all
  return html`${all} / <a href="/${owner}">${owner}</a> / <a href="/${name}">${name}</a> ·
    <a href="/${name}/pulls">pull requests</a> · <a href="/${name}/issues">issues</a>`
}

function repositories(all: Repository[]) {
  if (all.length === 0) return html`<p>none</p>`
  return html`<ul>${all.map((repo) => html`<li><a href="/${fullName(repo)}">${fullName(repo)}</a></li>`)}</ul>`
}

function stateOf(issue: Json): unknown {
  return issue.merged_at ? 'merged' : issue.state
}

function state(issue: Json) {
  return html`<b>${stateOf(issue)}</b>`
}

function labels(issue: Json): string {
  return (issue.labels as Json[]).map((label) => label.name).join(', ')
}

/** Markdown as it was written: the fake has nothing to render it with. */
function text(body: unknown) {
  return html`<pre>${body ?? ''}</pre>`
}

function files(all: Json[]) {
  return all.map((file) => html`<h3>${file.filename}</h3><pre>${file.patch ?? 'no text difference'}</pre>`)
}

function comments(all: Json[]) {
  return all.map((one) => html`<h3>${(one.user as Json).login}</h3>${text(one.body)}`)
}
