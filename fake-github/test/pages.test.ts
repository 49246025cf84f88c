// The pages people click through.
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { FakeGithub, RepositoryHandle } from '../src/index.ts'
import { openFakeGithub } from '../src/index.ts'

let github: FakeGithub
let repository: RepositoryHandle
beforeEach(async () => {
  github = await openFakeGithub()
  repository = await github.addRepository({ owner: 'acme', name: 'shop', files: { 'a.txt': 'a\n' } })
})
afterEach(() => github.close())

async function page(url: string, accept = 'text/html') {
  const response = await fetch(url, { headers: { accept } })
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() }
}

/** The addresses a page links to. */
function linksOf(text: string): string[] {
  return [...text.matchAll(/href="([^"]*)"/g)].map(([, href = '']) => new URL(href, github.url).href)
}

test('a pull request, a commit and an issue have pages for browsers, with everything from outside escaped', async () => {
  const sha = await repository.commit({ message: 'Change <b>a</b>', files: { 'a.txt': 'b\n' }, branch: 'next' })
  const pull = await repository.openPullRequest({ title: 'Next', head: 'next', body: '<script>alert(1)</script>' })
  const issue = await repository.openIssue({ title: 'Help', body: 'me' })
  const shown = await page(pull.html_url)
  expect(shown.text).toContain('next → main')
  expect(shown.text).toContain('&lt;script&gt;')
  expect(shown.text).toContain('-a\n+b')
  expect((await page(`${repository.htmlUrl}/commit/${sha}`)).text).toContain('Change &lt;b&gt;a&lt;/b&gt;')
  expect((await page(issue.html_url)).text).toContain('Help #2')
  expect((await page(`${repository.htmlUrl}/pulls`)).text).toContain('#1 Next')
  expect((await page(`${repository.htmlUrl}/pull/99`)).status).toBe(404)
})

test('every page is reached from the first one and leads back to it', async () => {
  await repository.commit({ message: 'Change', files: { 'a.txt': 'b\n' }, branch: 'next' })
  const pull = await repository.openPullRequest({ title: 'Next', head: 'next' })
  const issue = await repository.openIssue({ title: 'Help' })
  const seen = new Map<string, string>()
  const waiting = [`${github.url}/`]
  for (const url of waiting) {
    if (seen.has(url)) continue
    const { status, text } = await page(url)
    expect([url, status]).toEqual([url, 200])
    seen.set(url, text)
    waiting.push(...linksOf(text))
  }
  const home = `${github.url}/`
  const { htmlUrl } = repository
  const all = [home, `${github.url}/acme`, htmlUrl, `${htmlUrl}/pulls`, `${htmlUrl}/issues`]
  expect([...seen.keys()].toSorted()).toEqual([...all, pull.html_url, issue.html_url].toSorted())
  for (const [url, text] of seen) if (url !== home) expect(linksOf(text)).toContain(home)
  expect(seen.get(`${htmlUrl}/issues`)).toContain('#2 Help')
  expect(seen.get(`${htmlUrl}/issues`)).not.toContain('#1 Next')
})

test('what does not exist is not found, as a page', async () => {
  for (const path of [
    '/acme/none',
    '/acme/none/issues',
    '/acme/none/pulls',
    '/nobody',
    '/acme/shop/wiki',
    '/a/b/c/d',
  ]) {
    const { status, text, type } = await page(`${github.url}${path}`)
    expect([path, status, type]).toEqual([path, 404, 'text/html; charset=UTF-8'])
    expect(linksOf(text)).toEqual([`${github.url}/`])
  }
  expect((await page(`${github.apiUrl}/users/a`)).status).toBe(404)
})

test('the address of a page shows the page to any client, and the API stays the API in a browser', async () => {
  const issue = await repository.openIssue({ title: 'Help' })
  for (const url of [issue.html_url, repository.htmlUrl, `${repository.htmlUrl}/pulls`]) {
    expect(await page(url, '*/*')).toEqual(await page(url))
  }
  const json = 'application/json; charset=utf-8'
  const path = '/repos/acme/shop/issues/1'
  expect(await page(`${github.apiUrl}${path}`)).toMatchObject({ status: 200, type: json })
  expect(await page(`${github.url}${path}`, '*/*')).toMatchObject({ status: 200, type: json })
  expect(await page(`${github.url}/acme/none`, '*/*')).toMatchObject({ status: 404, type: json })
})
