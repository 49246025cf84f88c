import { parseEnv } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { variablesIn, withSecret, withSettings } from './env-file.ts'

const comment = 'What it is for.'

test('a variable is added at the end, with what it is for', () => {
  expect(withSettings('A=1', [{ name: 'B', value: '2', comment }])).toBe('A=1\n# What it is for.\nB=2\n')
})

test('a line without a value is filled in where it stands, as in a copy of .env.example', () => {
  const text = '# The token.\nB=\nexport C=\nA=1\n'
  const added = ['B', 'C'].map((name) => ({ name, value: 'x', comment }))
  expect(withSettings(text, added)).toBe('# The token.\nB=x\nC=x\nA=1\n')
})

test('a key of several lines becomes one, which Node.js, the shell and systemd read alike', () => {
  const value = '-----BEGIN RSA PRIVATE KEY-----\nabc+/=\n-----END RSA PRIVATE KEY-----'
  const text = withSettings('', [{ name: 'KEY', value, comment }])
  expect(text.split('\n')[1]).toBe('KEY="-----BEGIN RSA PRIVATE KEY-----\\nabc+/=\\n-----END RSA PRIVATE KEY-----"')
  expect(parseEnv(text).KEY).toBe(value)
})

test('nothing is added behind a quotation mark that is never closed', () => {
  const add = () => withSettings("A='b\n", [{ name: 'B', value: "it's two", comment }])
  expect(add).toThrow(expect.objectContaining({ code: 'env_file_unusable' }))
})

test('another secret is added behind those that are live', () => {
  const added = (text: string) => withSecret(text, { name: 'S', value: 'new', comment })
  expect(added('A=1\nS=old\nB=2\n')).toBe('A=1\nS=old,new\nB=2\n')
  expect(added("S='old, older'\n")).toBe("S='old, older,new'\n")
  expect(added('A=1\n')).toBe('A=1\n# What it is for.\nS=new\n')
  expect(parseEnv(added('S=first\nS=old\n')).S).toBe('old,new')
})

const name = fc.stringMatching(/^[A-Z_]{1,4}$/)
const plain = fc.string({ maxLength: 12 }).map((text) => text.replaceAll(/[\r\n]/g, ' '))
const line = fc.oneof(
  fc.tuple(name, plain).map(([key, value]) => `${key}=${value}`),
  fc.tuple(name, plain).map(([key, value]) => `${key}="${value}"`),
  name.map((key) => `${key}=`),
  plain.map((text) => `# ${text}`),
  plain,
)
const value = fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/)

test('whatever the file says, its variables stay as they are, and those that are added are read as meant', () => {
  fc.assert(
    fc.property(
      fc.array(line).map((lines) => lines.join('\n')),
      fc.array(fc.tuple(name, value), { maxLength: 4 }),
      (text, given) => {
        const before = variablesIn(text)
        const settings = [...new Map(given)].flatMap(([key, wanted]) =>
          before.has(key) ? [] : [{ name: key, value: wanted, comment }],
        )
        const wanted = new Map([...before, ...settings.map((each) => [each.name, each.value] as const)])
        expect([wanted, 'env_file_unusable']).toContainEqual(outcomeOf(() => variablesIn(withSettings(text, settings))))
      },
    ),
  )
})

function outcomeOf(add: () => ReadonlyMap<string, string>): unknown {
  try {
    return add()
  } catch (error) {
    return (error as { code?: string }).code
  }
}
