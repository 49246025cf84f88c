import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DEPLOYMENT_BRANCH } from '../../lib/deployment-key.ts'
import { branchName, safePart, shortened } from './names.ts'

test.each(['customer-support-bot', 'v2', 'my_app.v1', '客服', 'é', '_private'])('%s stays as it is', (name) => {
  expect(safePart(name)).toBe(name)
})

test.each([
  ['My Bot', /^My-Bot-[0-9a-f]{8}$/],
  ['a/b', /^a-b-[0-9a-f]{8}$/],
  ['../../etc', /^etc-[0-9a-f]{8}$/],
  ['.hidden', /^hidden-[0-9a-f]{8}$/],
  ['-rf', /^rf-[0-9a-f]{8}$/],
  ['a..b', /^a\.b-[0-9a-f]{8}$/],
  ['branch.lock', /^branch-lock-[0-9a-f]{8}$/],
  ['end.', /^end-[0-9a-f]{8}$/],
  ['e\u0301', /^é-[0-9a-f]{8}$/],
  ['', /^[0-9a-f]{8}$/],
  ['🤖', /^[0-9a-f]{8}$/],
  ['\ud800', /^[0-9a-f]{8}$/],
])('%j becomes a safe part with a hash of what it was', (name, safe) => expect(safePart(name)).toMatch(safe))

test('a long name is cut to its bytes, not in a character', () => {
  const part = safePart('客'.repeat(100), 80)
  expect(part).toMatch(/^客{26}-[0-9a-f]{8}$/)
  expect(safePart(`${'a'.repeat(100)}1`)).not.toBe(safePart(`${'a'.repeat(100)}2`))
})

test.each([
  ['deploy_1234', 'agenta/deploy-bot-1234'],
  ['deploy-1234', 'agenta/deploy-bot-1234'],
  ['1234', 'agenta/deploy-bot-1234'],
  ['deploy_', /^agenta\/deploy-bot-deploy_$/],
  ['redeploy_1', 'agenta/deploy-bot-redeploy_1'],
])('the branch of the deployment %s is %s', (id, branch) => {
  expect(branchName(DEPLOYMENT_BRANCH, { app: 'bot', deployment_id: id })).toMatch(branch)
})

test('a text is shortened to exactly its limit, and different texts stay different', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), fc.string({ unit: 'binary', maxLength: 60 }), (a, b) => {
      const [one, other] = [shortened(a, 30), shortened(b, 30)]
      expect(one.length).toBeLessThanOrEqual(30)
      if (a.length <= 30) expect(one).toBe(a)
      expect(one === other).toBe(a === b || (a.length > 30 && b.length > 30 && a.toWellFormed() === b.toWellFormed()))
    }),
  )
})
