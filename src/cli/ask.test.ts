// Questions at a terminal, over streams in place of one.
import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { askOn } from './ask.ts'

/** A terminal on which these keys are pressed once the question is there. */
function pressing(keys: string) {
  const [input, output] = [new PassThrough(), new PassThrough()]
  let shown = ''
  output.on('data', (chunk) => {
    if (shown === '') setImmediate(() => input.write(keys))
    shown += String(chunk)
  })
  return { ask: askOn(input, output), shown: () => shown }
}

test('an answer is a line', async () => {
  const { ask, shown } = pressing(' acme/shop \r')
  expect(await ask('Repository: ')).toBe('acme/shop')
  expect(shown()).toContain('Repository: ')
})

test('a secret is not shown', async () => {
  const { ask, shown } = pressing('a-token\r')
  expect(await ask('Token: ', { hidden: true })).toBe('a-token')
  expect(shown()).toBe('Token: \n')
})

test.each([
  ['Ctrl-C', '\u0003'],
  ['Ctrl-D', '\u0004'],
])('%s ends it', async (_, key) => {
  const { ask } = pressing(key)
  await expect(ask('Token: ', { hidden: true })).rejects.toMatchObject({ code: 'interrupted' })
})
