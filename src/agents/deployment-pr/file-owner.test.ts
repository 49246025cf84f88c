import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { GiveUp } from '../../lib/error.ts'
import { deploymentEvent } from './deployment-event.ts'
import { deploymentPullRequest } from './deployment-pull-request.ts'
import { requireOwnFile } from './file-owner.ts'

const deployed = deploymentEvent.parse(
  JSON.parse(readFileSync(new URL('fixtures/deployed-event.json', import.meta.url), 'utf8')),
)
const other = { ...deployed, project_id: 'other' }
const output = deploymentPullRequest(other, { repository: 'acme/shop' })

function withFile(content: string | null) {
  return { defaultBranch: async () => 'main', readFile: async () => content }
}

test('a file of another project is not overwritten', async () => {
  const [change] = deploymentPullRequest(deployed, { repository: 'acme/shop' }).changes
  const theirs = change !== undefined && 'content' in change ? String(change.content) : null
  const owned = requireOwnFile(withFile(theirs), 'acme/shop', { output, event: other })
  await expect(owned).rejects.toThrow(GiveUp)
  await expect(owned).rejects.toThrow('of the project project_abc, and this deployment of other')
  await requireOwnFile(withFile(theirs), 'acme/shop', { output, event: deployed })
})

test.each([[null], ['not JSON'], ['{}'], ['{"project_id":null}']])('a file that is %j belongs to nobody', (content) =>
  requireOwnFile(withFile(content), 'acme/shop', { output, event: other }),
)

test('two projects with an app of one name share neither series nor, with {project} in the path, a file', () => {
  const mine = deploymentPullRequest(deployed, { repository: 'acme/shop', path: '{project}/{app}/{environment}.json' })
  expect(mine.series).not.toBe(output.series)
  expect(mine.changes).toMatchObject([{ path: 'project_abc/customer-support-bot/production.json' }])
})
