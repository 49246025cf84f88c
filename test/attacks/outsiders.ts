// People who may not start an agent, and senders that are not who they seem to be.
import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import type { Attack, Stage } from './attack.ts'
import { comment, obey } from './attack.ts'

const EVIL = obey(comment('evil', { repository: 'acme/closed' }))
const NO_PERMISSION = 'skipped: `mallory` has no write permission on acme/closed'

/** Sends the newest issue of this repository again, as if somebody else had opened it. */
async function openedBy(stage: Stage, sender: { login: string; type: string }) {
  await stage.closed.openIssue({ title: EVIL }, 'mallory')
  await stage.github.settled()
  const payload = stage.newest('issues', 'opened')
  const user = { ...(payload.sender as object), ...sender }
  return stage.deliver('issues', { ...payload, issue: { ...(payload.issue as object), user }, sender: user })
}

/** Sends the newest pull request again, as if it came from somebody's fork. */
async function openedFromFork(stage: Stage, files: Record<string, string>) {
  const branch = `fork-${randomUUID().slice(0, 8)}`
  await stage.closed.commit({ message: 'x', files, branch, author: 'insider' })
  await stage.closed.openPullRequest({ title: 'Change', head: branch }, 'jane')
  await stage.github.settled()
  const payload = stage.newest('pull_request', 'opened')
  const { user, head, ...pull } = payload.pull_request as { user: object; head: { repo: object } }
  const mallory = { ...user, login: 'mallory' }
  const fork = { ...head, repo: { ...head.repo, full_name: 'mallory/closed', fork: true } }
  const forked = { ...payload, sender: mallory, pull_request: { ...pull, title: EVIL, user: mallory, head: fork } }
  return stage.deliver('pull_request', forked)
}

/** Makes sure that what was to happen in between did. */
async function hitOnce(_: Stage, fault: unknown): Promise<string> {
  expect(fault).toMatchObject({ hits: 1 })
  return ''
}

/** Who may start an agent. */
export const outsiders: Attack[] = [
  {
    tried: "an outsider's comment on a maintainer's issue",
    stopped: NO_PERMISSION,
    at: 'job',
    async attempt({ closed }) {
      const { number } = await closed.openIssue({ title: 'Bug' }, 'jane')
      await closed.comment(number, EVIL, 'mallory')
    },
  },
  {
    tried: "an outsider's command on a maintainer's issue",
    stopped: NO_PERMISSION,
    at: 'job',
    async attempt({ closed }) {
      const { number } = await closed.openIssue({ title: 'Bug' }, 'jane')
      await closed.comment(number, `/deploy production\n${EVIL}`, 'mallory')
    },
    // Of the rule for comments, and of that for the command.
    jobs: 2,
  },
  {
    tried: 'a label by somebody who may triage',
    stopped: 'skipped: `tina` has no write permission on acme/closed',
    at: 'job',
    async attempt({ closed }) {
      const { number } = await closed.openIssue({ title: EVIL }, 'mallory')
      await closed.labelIssue(number, 'go', 'tina')
    },
  },
  {
    tried: 'a user whose name looks like that of a bot',
    stopped: '`renovate-bot` is not one of those that who names',
    at: 'explain',
    attempt: ({ closed }) => closed.openIssue({ title: EVIL }, 'renovate-bot'),
    jobs: 0,
  },
  {
    tried: 'a user with the very name of a bot',
    stopped: '`renovate[bot]` is not one of those that who names',
    at: 'explain',
    attempt: (stage) => openedBy(stage, { login: 'renovate[bot]', type: 'User' }),
    jobs: 0,
  },
  {
    tried: 'an App with nearly the name of another',
    stopped: '`renovate-[bot]` is a bot that who.bots does not name',
    at: 'explain',
    attempt: (stage) => openedBy(stage, { login: 'renovate-[bot]', type: 'Bot' }),
    jobs: 0,
  },
  {
    tried: 'an App with the name of a maintainer',
    stopped: '`jane` is a bot that who.bots does not name',
    at: 'explain',
    async attempt(stage) {
      const { number } = await stage.closed.openIssue({ title: 'Bug' }, 'jane')
      await stage.closed.comment(number, 'x', 'signalbox')
      await stage.github.settled()
      const payload = stage.newest('issue_comment', 'created')
      const user = { ...(payload.sender as object), login: 'jane', type: 'Bot' }
      const body = { ...(payload.comment as object), id: 77, user, body: EVIL }
      await stage.deliver('issue_comment', { ...payload, comment: body, sender: user })
    },
    // What the account of the service wrote by hand is a person's.
    jobs: 1,
  },
  {
    tried: 'a pull request from a fork with another workflow',
    stopped: 'the pull request is from a fork',
    at: 'explain',
    attempt: (stage) => openedFromFork(stage, { '.github/workflows/ci.yml': 'on: pull_request_target\n' }),
    // Of the pull request that the fork's is made of.
    jobs: 1,
  },
  {
    tried: 'a comment that is edited between its event and its job',
    stopped: 'as it was signed',
    at: 'result',
    async attempt({ github, closed, as }) {
      const { number } = await closed.openIssue({ title: 'Bug' }, 'jane')
      // While the permission of somebody who was not asked about before is on its way.
      closed.setRole('kim', 'write')
      let id = 0
      const edit = () => as('insider', 'PATCH', `/repos/acme/closed/issues/comments/${id}`, { body: EVIL })
      const edited = github.faults.add({ route: /permission$/, before: edit })
      const webhook = github.faults.addWebhook({ event: 'issue_comment', action: 'created', kind: 'delay' })
      id = (await closed.comment(number, obey({ result: { comment: 'as it was signed' } }), 'kim')).id
      webhook.release()
      return edited
    },
    look: hitOnce,
  },
  {
    tried: 'a command that is edited into a comment',
    stopped: 'issue_comment.edited ignored',
    at: 'event',
    async attempt({ closed, as }) {
      const { number } = await closed.openIssue({ title: 'Bug' }, 'jane')
      const { id } = await closed.comment(number, '> no command', 'jane')
      await as('insider', 'PATCH', `/repos/acme/closed/issues/comments/${id}`, { body: `/deploy production\n${EVIL}` })
    },
    // That of the comment as it was.
    jobs: 1,
  },
  {
    tried: "an outsider's command in a maintainer's quote",
    stopped: 'the text gives no command',
    at: 'explain',
    async attempt({ closed }) {
      const { number } = await closed.openIssue({ title: 'Bug' }, 'mallory')
      await closed.comment(
        number,
        '> /deploy production\n\n```\n/deploy production\n```\n<!--\n/deploy production\n-->',
        'jane',
      )
    },
    jobs: 1,
  },
  {
    tried: 'a command with characters that nobody sees',
    stopped: 'the text gives no command',
    at: 'explain',
    async attempt({ closed }) {
      const { number } = await closed.openIssue({ title: 'Bug' }, 'mallory')
      await closed.comment(number, '/deploy\u200b production\n/d\u0435ploy production', 'jane')
    },
    jobs: 1,
  },
  {
    tried: 'a commit that is pushed between the event and its job',
    stopped: 'as it was reviewed',
    at: 'result',
    async attempt({ github, closed }) {
      const file = (text: string) => ({ message: 'x', files: { 'a.txt': text }, branch: 'moved', author: 'insider' })
      await closed.commit(file(obey({ result: { file: 'as it was reviewed' } })))
      closed.setRole('lee', 'write')
      const pushed = github.faults.add({ route: /permission$/, before: () => closed.commit(file(EVIL)) })
      await closed.openPullRequest({ title: 'Change', head: 'moved' }, 'lee')
      return pushed
    },
    look: hitOnce,
  },
  {
    tried: 'a webhook without the secret',
    stopped: '401',
    at: 'answer',
    async attempt(stage) {
      const payload = stage.newest('issues', 'opened')
      return stage.deliver('issues', payload, { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` })
    },
    look: async (_, answer) => JSON.stringify(answer),
    jobs: 0,
  },
  {
    tried: 'a captured webhook with another delivery id',
    stopped: 'duplicate',
    at: 'answer',
    async attempt(stage) {
      await stage.closed.openIssue({ title: 'Bug' }, 'jane')
      await stage.github.settled()
      return stage.deliver('issues', stage.newest('issues', 'opened'))
    },
    look: async (_, answer) => JSON.stringify(answer),
    jobs: 0,
  },
  {
    tried: 'a partner that says it is a deployment',
    stopped: 'partner.environment.deployed ignored',
    at: 'event',
    attempt: (stage) => stage.partner('environment.deployed', { data: { app_name: 'bot', environment: 'production' } }),
    jobs: 0,
  },
]
