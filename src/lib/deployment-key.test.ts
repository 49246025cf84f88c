import fc from 'fast-check'
import { expect, test } from 'vitest'
import { deploymentBranch, deploymentKey, deploymentOfBranch, deploymentOfKey } from './deployment-key.ts'

const ID = '01934e00-0000-7000-8000-00000000000a'

function plain(text: string): string {
  return text
}

test('what is written for a deployment is read again, with or without the prefix of its id', () => {
  fc.assert(
    fc.property(fc.uuid(), fc.constantFrom('', 'deploy_'), fc.stringMatching(/^[a-z-]{1,20}$/), (uuid, prefix, app) => {
      const id = `${prefix}${uuid}`
      expect(deploymentOfKey(deploymentKey(id))).toBe(uuid)
      expect(deploymentOfBranch(deploymentBranch(app, id, plain))).toBe(uuid)
    }),
  )
})

test('a branch has the name of its app and its id, each made safe, without the prefix of the id', () => {
  const shout = (text: string) => text.toUpperCase()
  expect(deploymentBranch('bot', `deploy_${ID}`, plain)).toBe(`agenta/deploy-bot-${ID}`)
  expect(deploymentBranch('bot', 'deploy-7', shout)).toBe('agenta/deploy-BOT-7')
  expect(deploymentBranch('bot', 'deploy_', plain)).toBe('agenta/deploy-bot-deploy_')
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
