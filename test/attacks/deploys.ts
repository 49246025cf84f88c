// Deployments by a program, which says what it was given.
import { until } from '../until.ts'
import type { Attack, Stage } from './attack.ts'
import { COMMENTED, OPENED, REACTED } from './attack.ts'

const MALLORY = 'skipped: `mallory` has no write permission on acme/app'

/** A command by somebody. */
function says(text: string, by = 'mallory') {
  return async ({ app }: Stage) => {
    const { number } = await app.openIssue({ title: 'Bug' }, 'jane')
    await app.comment(number, text, by)
    return number
  }
}

/** What is asked of deployments. */
export const deploys: Attack[] = [
  ...['/deploy production', '/rollback production', '/review'].map(
    (text): Attack => ({ tried: `${text} by an outsider`, stopped: MALLORY, at: 'job', attempt: says(text) }),
  ),
  ...(
    [
      ['production ../../main', 'that is not the name of a branch or a tag'],
      ['production -c', 'that is not the name of a branch or a tag'],
      ['production main@{1}', 'that is not the name of a branch or a tag'],
      ['production $(id)', 'acme/app has no branch or tag of that name'],
      ['__proto__', 'there is no such environment; there are: production'],
    ] as const
  ).map(
    ([words, stopped]): Attack => ({
      tried: `/deploy ${words}`,
      stopped,
      at: 'result',
      attempt: says(`/deploy ${words}`, 'jane'),
      writes: [COMMENTED, REACTED],
    }),
  ),
  {
    tried: 'to deploy a commit that nobody has merged',
    stopped: 'is not on main',
    at: 'result',
    async attempt(stage) {
      const files = { 'evil.txt': 'evil\n' }
      const sha = await stage.app.commit({ message: 'x', files, branch: 'not-merged', author: 'insider' })
      await says(`/deploy production ${sha}`, 'jane')(stage)
    },
    writes: [COMMENTED, REACTED],
  },
  {
    tried: 'a release whose tag is a command of the shell',
    stopped: '0 arguments; 0 variables of the service; the input {"kind":"deploy"',
    at: 'log',
    attempt: ({ app }) => app.publishRelease({ tag: 'v1;$(curl$IFS)`id`', body: '/deploy x', name: '--help' }, 'jane'),
    writes: [
      'POST /repos/{owner}/{repo}/deployments',
      ...Array(3).fill('POST /repos/{owner}/{repo}/deployments/{deployment_id}/statuses'),
    ],
  },
  {
    tried: "an insider's merged pull request that names a deployment",
    stopped: 'the pull request is not one that this program has opened',
    at: 'result',
    async attempt({ api, shop, github }) {
      const deployment = { project_id: 'p', app_name: 'named', variant_name: 'v', environment: 'production' }
      const body = { ...deployment, deployed_by: 'jane', config: { temperature: 1 } }
      const { deployment_id: id } = (await api('/api/deployments', { method: 'POST', body })).body
      await until('its own is there', async () => (await shop.pulls()).some(({ title }) => title.includes('named')))
      await github.settled()
      const [branch, files] = ['agenta/named', { 'evil.txt': 'evil\n' }]
      await shop.commit({ message: 'x', files, branch, author: 'insider' })
      const text = `x\n\n<!-- signalbox:key=deployment=${id} -->`
      const { number } = await shop.openPullRequest({ title: 'Mine', head: branch, body: text }, 'insider')
      await shop.mergePullRequest(number, 'insider')
    },
    // Of the deployment, of the rule for anyone, of the merge; comparisons of it and its push.
    jobs: 5,
    writes: [...OPENED, COMMENTED],
  },
]
