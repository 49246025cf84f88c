import { readFile } from 'node:fs/promises'
import { afterEach, expect, test, vi } from 'vitest'

afterEach(() => {
  vi.restoreAllMocks()
})

test("the README's first example runs, and its webhooks arrive signed", async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const [, code = ''] = /```js\n(.*?)```/s.exec(readme) ?? []
  const source = code.replace("'@signalbox/fake-github'", JSON.stringify(new URL('../src/index.ts', import.meta.url)))
  const log = vi.spyOn(console, 'log').mockReturnValue()
  await import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(source)}`)
  const signature = expect.stringMatching(/^sha256=[0-9a-f]{64}$/)
  expect(log.mock.calls).toEqual(
    expect.arrayContaining([
      ['ping', signature],
      [201, expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/acme\/app\/issues\/1$/)],
      ['issues', signature],
      ['push', signature],
    ]),
  )
})
