import { expect, test } from 'vitest'
import { namedRepositories } from './named-repositories.ts'

test('repositories on GitHub are those that are set and those that rules name, each once', () => {
  const when = {
    repository: ['acme/shop', 'acme/*', '!acme/old'],
    any: [{ repository: 'Acme/Site' }, { all: [{ repository: 'github:acme/docs' }] }],
    not: { repository: 'acme/secret' },
  }
  const rules = [
    { name: 'a', on: 'push', agent: 'x', when },
    { name: 'b', on: 'push', agent: 'x', repositories: ['acme/site', 'gitlab:group/site'] },
  ]
  expect(namedRepositories(['ACME/shop'], rules)).toEqual(['ACME/shop', 'Acme/Site', 'acme/docs'])
})
