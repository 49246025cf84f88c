// The pages people click through.
import { expect, test } from 'vitest'
import { openFakeGithub } from '../src/index.ts'

test('a pull request, a commit and an issue have pages for browsers, with everything from outside escaped', async () => {
  const github = await openFakeGithub()
  const repository = await github.addRepository({ owner: 'acme', name: 'shop', files: { 'a.txt': 'a\n' } })
  const sha = await repository.commit({ message: 'Change <b>a</b>', files: { 'a.txt': 'b\n' }, branch: 'next' })
  const pull = await repository.openPullRequest({ title: 'Next', head: 'next', body: '<script>alert(1)</script>' })
  const issue = await repository.openIssue({ title: 'Help', body: 'me' })
  const page = async (url: string) => {
    const response = await fetch(url, { headers: { accept: 'text/html' } })
    return { status: response.status, text: await response.text() }
  }
  const shown = await page(pull.html_url)
  expect(shown.text).toContain('next → main')
  expect(shown.text).toContain('&lt;script&gt;')
  expect(shown.text).toContain('-a\n+b')
  expect((await page(`${repository.htmlUrl}/commit/${sha}`)).text).toContain('Change &lt;b&gt;a&lt;/b&gt;')
  expect((await page(issue.html_url)).text).toContain('Help #2')
  expect((await page(`${repository.htmlUrl}/pulls`)).text).toContain('#1 Next')
  expect((await page(`${repository.htmlUrl}/pull/99`)).status).toBe(404)
  await github.close()
})
