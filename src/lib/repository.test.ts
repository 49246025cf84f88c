import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AppError } from './error.ts'
import { formatRepositoryRef, githubPath, parseGithubPath, parseRepositoryRef, repositoryName } from './repository.ts'

const WRONG_ON_GITHUB = [
  '',
  'acme',
  '/shop',
  'acme/',
  'acme/shop/more',
  'acme.inc/shop',
  '-acme/shop',
  'acme_/shop',
  '../..',
  '../shop',
  'acme/..',
  'acme/.',
  'acme/...',
  'acme/shop?x',
  'acme/shop#1',
  'acme /shop',
  'acme/sh op',
  'acme/shop\n',
  'ácme/shop',
  'acme/%2e%2e',
  'https://github.com/acme/shop',
  `${'a'.repeat(101)}/shop`,
  `acme/${'a'.repeat(101)}`,
]

describe('owner/name', () => {
  test.each([
    ['acme/shop', 'acme', 'shop'],
    ['a/b', 'a', 'b'],
    ['Acme-Inc/My.Shop_2', 'Acme-Inc', 'My.Shop_2'],
    ['acme_corp/-x', 'acme_corp', '-x'],
    ['acme/.github', 'acme', '.github'],
    [`${'a'.repeat(100)}/${'b'.repeat(100)}`, 'a'.repeat(100), 'b'.repeat(100)],
  ])('%s is a repository on GitHub', (path, owner, repo) => {
    expect(parseGithubPath(path)).toEqual({ owner, repo })
    expect(parseRepositoryRef(path)).toEqual({ forge: null, path })
    expect(parseRepositoryRef(`github:${path}`)).toEqual({ forge: 'github', path })
    expect(githubPath.safeParse(path).success).toBe(true)
    expect(repositoryName.parse(path)).toBe(path)
  })

  test.each(WRONG_ON_GITHUB)('%j is not, wherever it is checked', (path) => {
    for (const text of [path, `github:${path}`]) {
      expect(() => parseRepositoryRef(text)).toThrow(AppError)
      expect(repositoryName.safeParse(text).success).toBe(false)
    }
    expect(() => parseGithubPath(path)).toThrow(AppError)
    expect(githubPath.safeParse(path).success).toBe(false)
  })
})

describe('forge:path', () => {
  test.each([
    ['gitlab:group/shop', 'gitlab', 'group/shop'],
    ['gitlab:group/sub/deeper/shop', 'gitlab', 'group/sub/deeper/shop'],
    ['gitlab:acme.inc/shop', 'gitlab', 'acme.inc/shop'],
    ['my-forge2:a/.b', 'my-forge2', 'a/.b'],
  ])('%s', (text, forge, path) => {
    expect(parseRepositoryRef(text)).toEqual({ forge, path })
    expect(repositoryName.parse(text)).toBe(text)
  })

  test.each([
    'gitlab:',
    'gitlab:shop',
    'gitlab:/shop',
    'gitlab:group//shop',
    'gitlab:group/shop/',
    'gitlab:../shop',
    'gitlab:group/../shop',
    'gitlab:group/..',
    'gitlab:./shop',
    'gitlab:-x/shop',
    'gitlab:group/-x',
    'gitlab:group/sh op',
    'gitlab:group/shop\n',
    'gitlab:group/shop:x',
    `gitlab:group/${'a'.repeat(500)}`,
    ':acme/shop',
    'GitLab:group/shop',
    '1forge:group/shop',
    `${'f'.repeat(33)}:group/shop`,
    'gitlab::group/shop',
  ])('%j is refused', (text) => {
    expect(() => parseRepositoryRef(text)).toThrow(AppError)
    expect(repositoryName.safeParse(text).success).toBe(false)
  })
})

test('the refusal repeats the name and says what to write', () => {
  expect(() => parseRepositoryRef('x"\n')).toThrow(
    expect.objectContaining({
      code: 'input_invalid',
      detail: '"x\\"\\n" is not a repository: write owner/name, or forge:path such as gitlab:group/name.',
    }),
  )
  expect(() => parseGithubPath('acme.inc/shop')).toThrow(
    '"acme.inc/shop" is not a repository on GitHub: write owner/name.',
  )
  expect(() => parseRepositoryRef('a'.repeat(100_000))).toThrow(/^"a{200}" is not/)
  expect(repositoryName.safeParse('x').error?.issues[0]?.message).toMatch(/^write owner\/name/)
})

test('one repository has one spelling', () => {
  const spell = (text: string) => formatRepositoryRef(parseRepositoryRef(text))
  expect(spell('acme/shop')).toBe('acme/shop')
  expect(spell('github:acme/shop')).toBe('acme/shop')
  expect(spell('gitlab:group/sub/shop')).toBe('gitlab:group/sub/shop')
})

const part = fc.string({ unit: fc.constantFrom('a', 'Z', '0', '.', '_', '-'), minLength: 1, maxLength: 6 })
const anyRef = fc
  .tuple(fc.constantFrom('', 'github:', 'gitlab:', 'x1:'), fc.array(part, { minLength: 1, maxLength: 4 }))
  .map(([forge, parts]) => `${forge}${parts.join('/')}`)

test('the schema accepts what the parser does, and a spelling reads back as itself', () => {
  fc.assert(
    fc.property(fc.oneof(anyRef, fc.string()), (text) => {
      if (!repositoryName.safeParse(text).success) {
        expect(() => parseRepositoryRef(text)).toThrow(AppError)
        return
      }
      const spelling = formatRepositoryRef(parseRepositoryRef(text))
      expect(formatRepositoryRef(parseRepositoryRef(spelling))).toBe(spelling)
    }),
  )
})

test('an accepted name stays inside an address: no part of it goes up or is empty', () => {
  fc.assert(
    fc.property(anyRef, (text) => {
      fc.pre(repositoryName.safeParse(text).success)
      const { path } = parseRepositoryRef(text)
      expect(new URL(`https://forge.example/repos/${path}/end`).pathname).toBe(`/repos/${path}/end`)
    }),
  )
})
