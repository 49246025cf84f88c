// The agent that answers a deployment with a pull request.
import { GiveUp } from '../../lib/error.ts'
import type { Agent } from '../agent.ts'
import { defineAgent } from '../agent.ts'
import type { DeploymentPrDefaults } from './answer.ts'
import { answerDeployment } from './answer.ts'
import { requireOwnFile } from './file-owner.ts'
import { deploymentPrInput, repositoriesOf } from './options.ts'

/**
 * Commits the deployed configuration to `deployments/<app>/<environment>.json` and opens a pull
 * request for it.
 */
export function deploymentPr(defaults: DeploymentPrDefaults = {}): Agent {
  const agent = defineAgent({
    name: 'deployment-pr',
    description: 'Opens a pull request that documents a deployment.',
    input: deploymentPrInput.nullish(),
    async run({ input, payload, log, forge }) {
      const answer = answerDeployment(payload, { ...defaults, ...input })
      if ('missing' in answer) {
        const { app_name: app } = answer.event.data
        throw new GiveUp(
          `No repository is set for ${app}: set GITHUB_REPO, or the rule's \`repository\` or \`repositories\`.`,
        )
      }
      if ('skipped' in answer) {
        log(answer.skipped)
        return { outputs: [], result: { skipped: answer.skipped } }
      }
      const { output } = answer
      if (forge !== null) await requireOwnFile(forge, output.repository, answer)
      const file = output.changes[0]?.path
      log(`The pull request for ${output.repository} is ${file} on ${output.branch}.`)
      return { outputs: [output], result: { repository: output.repository, branch: output.branch, file } }
    },
  })
  return { ...agent, repositories: repositoriesOf(defaults), settings: defaults }
}
