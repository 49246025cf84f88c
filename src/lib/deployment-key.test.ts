import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DEPLOYMENT_BRANCH, deploymentKey, deploymentOfBranch, deploymentOfKey, idInBranch } from './deployment-key.ts'

const ID = '01934e00-0000-7000-8000-00000000000a'

function branchOf(app: string, id: string): string {
  return DEPLOYMENT_BRANCH.replace('{app}', app).replace('{deployment_id}', idInBranch(id))
}

test('what is written for a deployment is read again, with or without the prefix of its id', () => {
  fc.assert(
    fc.property(fc.uuid(), fc.constantFrom('', 'deploy_'), fc.stringMatching(/^[a-z-]{1,20}$/), (uuid, prefix, app) => {
      const id = `${prefix}${uuid}`
      for (const project of [null, 'p']) expect(deploymentOfKey(deploymentKey(id, project))).toBe(uuid)
      expect(deploymentOfBranch(branchOf(app, id))).toBe(uuid)
    }),
  )
})

test('a branch has the name of its app and its id, without the prefix of the id', () => {
  expect(branchOf('bot', `deploy_${ID}`)).toBe(`agenta/deploy-bot-${ID}`)
  expect(branchOf('bot', 'deploy-7')).toBe('agenta/deploy-bot-7')
  expect(branchOf('bot', 'deploy_')).toBe('agenta/deploy-bot-deploy_')
})

test('ids that two projects may both use have a key for each', () => {
  expect(deploymentKey('deploy_7', 'one')).not.toBe(deploymentKey('deploy_7', 'two'))
  expect(deploymentKey(`deploy_${ID}`, 'one')).toBe(deploymentKey(`deploy_${ID}`, 'two'))
})

test.each(['deployment=7', `deployment=${ID}0`, `deployment=x${ID}`, `x-deployment=${ID}`, `deploy:${ID}`, ID])(
  'the key %s names no deployment of this program',
  (key) => {
    expect(deploymentOfKey(key)).toBeNull()
  },
)

test.each([`feature/deploy-bot-${ID}`, `agenta/deploy-${ID}`, `agenta/deploy-bot-${ID}-2`, 'agenta/deploy-bot-7'])(
  'the branch %s names no deployment of this program',
  (branch) => {
    expect(deploymentOfBranch(branch)).toBeNull()
  },
)
