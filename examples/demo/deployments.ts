// The part of the demo about deployed configurations: each becomes a pull request, by your own
// handler and by the built-in agent, and its merge is reported back.
import { note, say, until } from './narrate.ts'
import type { Stage } from './stage.ts'
import { APP, quote, run } from './stage.ts'

/** Shows two deployments, of which the second changes the first. */
export async function deployments(stage: Stage): Promise<void> {
  note('\n5. A deployed configuration becomes a pull request, and its merge is reported back')
  const { shop, byHandler } = stage
  await deploy(stage, 1, 'First release', { isShown: false })
  for (const repository of [byHandler, shop]) {
    const first = await until('the first pull request is open', () => pullOf(repository))
    await repository.mergePullRequest(first.number, 'jane')
  }
  say('jane merges its two pull requests; the second revision changes the configuration')
  await deploy(stage, 2, 'Improved response quality')
  await until('the handler opens its pull request', () => pullOf(byHandler))
  const pull = await until('the agent opens its pull request', () => pullOf(shop))
  const [, changes = ''] = /(## Changes.*?)\n## Commit/s.exec(pull.body ?? '') ?? []
  quote(changes)

  await shop.mergePullRequest(pull.number, 'jane')
  await until('the merge is stored with the deployment', async () => {
    const { items } = await stage.box.deployments.list({ app: APP })
    return items.some(({ pull_requests: all }) =>
      all.some((one) => one.number === pull.number && one.state === 'merged'),
    )
  })
  say(`jane merges #${pull.number}; GitHub's signed webhook says so, and it is stored with the deployment`)
  await run(stage, 'signalbox deployments ls')
}

async function deploy(stage: Stage, revision: 1 | 2, message: string, options = {}): Promise<void> {
  await run(
    stage,
    `signalbox deploy --app ${APP} --env production --variant v2-optimized --config ../revision-${revision}.json \\
    --message '${message}' --by jane@company.com --project project_abc`,
    options,
  )
}

/** The newest pull request of a deployment. */
async function pullOf(repository: Stage['shop']) {
  return (await repository.pulls('open')).findLast(({ head }) => head.ref.startsWith('agenta/'))
}
