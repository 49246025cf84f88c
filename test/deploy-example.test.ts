// The worked example of docs/agents/deploy.md, as it is printed there.
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFakeGithub } from '@signalbox/fake-github'
import { expect, onTestFinished, test } from 'vitest'
import { run } from './process.ts'
import { SECRET, TOKEN, until } from './signalbox.ts'

const docs = await readFile(new URL('../docs/agents/deploy.md', import.meta.url), 'utf8')
function block(language: string): string {
  return new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'ms').exec(docs)?.[1] ?? ''
}

test('a release is deployed by the program that docs/agents/deploy.md prints', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-deploy-'))
  // Root's PostgreSQL and the program run as somebody else, who must be able to get in.
  await chmod(folder, 0o755)
  const github = await openFakeGithub()
  const shop = await github.addRepository({ owner: 'acme', name: 'shop', files: { 'a.txt': 'a' } })
  await writeFile(join(folder, 'signalbox.config.ts'), block('ts'))
  await writeFile(join(folder, 'deploy.sh'), block('bash'))
  await writeFile(join(folder, 'check.sh'), '#!/bin/sh\nexit 0\n')
  for (const name of ['deploy.sh', 'check.sh']) await chmod(join(folder, name), 0o755)
  const server = run(['serve', '--host', '127.0.0.1'], {
    cwd: folder,
    env: {
      PORT: '0',
      GITHUB_WEBHOOK_SECRET: SECRET,
      SIGNALBOX_API_TOKEN: TOKEN,
      GITHUB_TOKEN: github.addToken({ login: 'acme' }),
      GITHUB_API_URL: github.apiUrl,
      TMPDIR: folder,
      // The system's, which a program in bubblewrap sees.
      PATH: `/usr/bin:/bin:${process.env.PATH}`,
    },
  })
  onTestFinished(async () => {
    await server.kill('SIGTERM')
    await github.close()
    await rm(folder, { recursive: true, force: true, maxRetries: 10 })
  })
  const [url] = await server.prints(/http:\/\/127\.0\.0\.1:\d+/)
  await shop.addWebhook({ url: `${url}/webhook/github`, secret: SECRET })
  const sha = await shop.commit({ message: 'Ship', files: { 'a.txt': 'b' } })
  await shop.publishRelease({ tag: 'v1.2.0' })
  const headers = { authorization: `Bearer ${TOKEN}` }
  const job = await until(
    'the job has ended',
    async () => {
      const { items } = (await (await fetch(`${url}/api/jobs`, { headers })).json()) as {
        items: { id: string; status: string }[]
      }
      const ended = items.find(({ status }) => status === 'completed' || status === 'failed')
      return ended && (await (await fetch(`${url}/api/jobs/${ended.id}`, { headers })).json())
    },
    30_000,
  )
  expect(job).toMatchObject({
    status: 'completed',
    error: null,
    result: {
      message: expect.stringMatching(/^Deployed v1\.2\.0 \([0-9a-f]{7}\) of acme\/shop to production in \d+ s$/),
      url: `https://${sha.slice(0, 7)}.shop.example.com`,
    },
  })
}, 60_000)
