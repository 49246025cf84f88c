// A sample webhook is signed and read as GitHub's own.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestFolder } from '../../test/folder.ts'
import type { TestSignalbox } from '../../test/signalbox.ts'
import { openTestSignalbox } from '../../test/signalbox.ts'
import { call } from '../../test/terminal.ts'

const SECRET = 'a secret of twenty letters'
let signalbox: TestSignalbox
beforeAll(async () => {
  signalbox = await openTestSignalbox({
    env: { GITHUB_WEBHOOK_SECRET: SECRET },
    roles: { receiver: true, orchestrator: false },
  })
})
afterAll(() => signalbox.close())

function send(args: string[], more: { env?: Record<string, string>; folder?: string } = {}) {
  const env = { GITHUB_WEBHOOK_SECRET: SECRET, SIGNALBOX_URL: signalbox.url, ...more.env }
  return call(['send', 'github', ...args], { ...more, env })
}
async function lastEvent() {
  const { rows } = await signalbox.database.query<{ type: string; subject: string; facts: object }>(
    'select type, subject, facts from signalbox.events order by received_at desc, id desc limit 1',
  )
  return rows[0]
}

test.each([
  [['push', '--branch', 'trunk'], { type: 'push', facts: { repository: 'acme/app', branch: 'trunk' } }],
  [
    ['issues.labeled', '--label', 'agent-task', '--repository', 'a/b'],
    { type: 'issues.labeled', facts: { repository: 'a/b', label: 'agent-task', number: 1 } },
  ],
  [['pull_request'], { type: 'pull_request.opened', facts: { branch: 'main', number: 2, author: 'octocat' } }],
  [
    ['issue_comment', '--comment', '/review --depth 3', '--pull-request', '7'],
    {
      type: 'issue_comment.created',
      facts: { command: 'review', arguments: ['--depth', '3'], number: 7, isPullRequest: true, textAuthor: 'octocat' },
    },
  ],
  [['issue_comment'], { type: 'issue_comment.created', facts: { number: 1, association: 'COLLABORATOR' } }],
  [['release'], { type: 'release.published', facts: { tag: 'v1.0.0' } }],
])('%j is recorded as what it says', async (args, event) => {
  const { code, out } = await send(args)
  expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/^ignored: .*\nSee why with: signalbox rules/) })
  expect(await lastEvent()).toMatchObject(event)
})

test('a payload of a file is sent as it is', async () => {
  const folder = await openTestFolder()
  await writeFile(join(folder, 'fork.json'), '{"forkee": {"full_name": "x/y"}, "repository": {"full_name": "a/b"}}')
  expect((await send(['fork', '--file', 'fork.json'], { folder })).code).toBe(0)
  expect(await lastEvent()).toMatchObject({ type: 'fork', facts: { repository: 'a/b' } })
})

test('what cannot be sent is said with what to do', async () => {
  expect(await send(['push'], { env: { GITHUB_WEBHOOK_SECRET: '' } })).toMatchObject({
    code: 1,
    err: expect.stringContaining('GITHUB_WEBHOOK_SECRET is not set'),
  })
  expect(await send(['pushed'])).toMatchObject({
    code: 1,
    err: expect.stringMatching(/There is no sample of pushed\.\n.*samples of push, issues/),
  })
  expect(await send(['push'], { env: { GITHUB_WEBHOOK_SECRET: 'another secret of letters' } })).toMatchObject({
    code: 1,
    err: expect.stringContaining('must have the same GITHUB_WEBHOOK_SECRET'),
  })
  expect(await send(['push', '--server', 'http://127.0.0.1:9'])).toMatchObject({
    code: 1,
    err: expect.stringMatching(/^signalbox: There is no answer from http:\/\/127\.0\.0\.1:9\/webhook\/github\. .+\n/),
  })
})
