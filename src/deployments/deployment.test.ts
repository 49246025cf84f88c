import { describe, expect, it } from 'vitest'
import { newId } from '../lib/id.ts'
import { deploymentIdOf, deploymentUuid } from './deployment.ts'

const UUID = '01934e00-0000-7000-8000-00000000000a'

describe('the public id of a deployment', () => {
  it('is its UUID with a prefix, and leads back to it', () => {
    expect(deploymentIdOf(UUID)).toBe(`deploy_${UUID}`)
    const uuid = newId()
    expect(deploymentUuid(deploymentIdOf(uuid))).toBe(uuid)
  })

  it('is read in any case, with or without the prefix', () => {
    for (const id of [UUID, `deploy_${UUID}`, UUID.toUpperCase(), `deploy_${UUID.toUpperCase()}`]) {
      expect(deploymentUuid(id)).toBe(UUID)
    }
  })

  it.each(['', 'deploy_', 'deploy_1234567890', `deploy_deploy_${UUID}`, `${UUID}0`, ` ${UUID}`, `deploy-${UUID}`])(
    'is not %j',
    (id) => {
      expect(deploymentUuid(id)).toBeNull()
    },
  )
})
