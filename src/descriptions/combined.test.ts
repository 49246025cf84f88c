import fc from 'fast-check'
import { expect, test } from 'vitest'
import { combinedTexts, readVersion } from './combined.ts'

const FILE = 'deployments/bot/production.json'
const TEMPLATES = { file: FILE, title: 'Deploy {variant}' }

function version(id: number, more: object = {}): string {
  const variant = { name: `v${id}`, id: null, revision: id }
  const at = `2025-11-20T10:3${id}:00Z`
  const names = { app_name: 'bot', environment: 'production', deployment_id: `d${id}`, deployed_by: 'jane@company.com' }
  return JSON.stringify({
    ...names,
    variant,
    deployed_at: at,
    project_id: 'p',
    commit_message: `Message ${id}`,
    ...more,
  })
}

type Given = { base?: string; earlier?: number; body?: string }

function bodyOf(versions: (string | null)[], { base, earlier = 0, body }: Given = {}): string {
  const texts = combinedTexts(
    { ...TEMPLATES, body },
    { base: readVersion(base ?? null), versions: versions.map(readVersion), earlier },
  )
  if (texts === null) throw new Error('no texts')
  return texts.body
}

function changesIn(body: string): string {
  return /## Changes\n\n(.*?)\n\n## Commit Message/s.exec(body)?.[1] ?? ''
}

test('the body has the details of the newest, the net changes, and a row for each, newest first', () => {
  const base = version(0, { config: { temperature: 0.7, top_p: 1 } })
  const versions = [
    version(1, {
      config: { temperature: 0.9, top_p: 1 },
      config_diff: { modified: { temperature: { old: 0.7, new: 0.9 } } },
    }),
    version(2, { config: { temperature: 0.5, top_p: 1 }, commit_message: 'Lower | it\n\nfixes #1' }),
  ]
  const read = { base: readVersion(base), versions: versions.map(readVersion), earlier: 0 }
  expect(combinedTexts(TEMPLATES, read)).toEqual({
    title: 'Deploy v2',
    body: expect.stringContaining('**Variant**: v2 (revision 2)\n'),
  })
  const body = bodyOf(versions, { base })
  expect(changesIn(body)).toBe('### Modified Parameters\n\n- **temperature**: `0.7` → `0.5`')
  expect(body.split('## Deployments\n\n')[1]).toBe(
    [
      '| Deployed | Variant | By | Message |',
      '| --- | --- | --- | --- |',
      '| 2025-11-20 10:32:00 UTC | v2 (revision 2) | jane@company.com | `Lower ｜ it …` |',
      '| 2025-11-20 10:31:00 UTC | v1 (revision 1) | jane@company.com | Message 1 |',
    ].join('\n'),
  )
})

test('where the base has no file, all of the configuration is new', () => {
  const body = bodyOf([version(1, { config: { a: 1 } }), version(2, { config: { a: 2 } })])
  expect(changesIn(body)).toBe('### Added Parameters\n\n- **a**: `2`')
})

test('deployments that undo each other change nothing', () => {
  const base = version(0, { config: { a: 1 } })
  const body = bodyOf([version(1, { config: { a: 2 } }), version(2, { config: { a: 1 } })], { base })
  expect(changesIn(body)).toBe('*No configuration changes detected*')
})

test('a secret that was changed is said to be changed, though both are written the same', () => {
  const hidden = { old: '[redacted]', new: '[redacted]' }
  const config = { key: '[redacted]' }
  const versions = [version(1, { config, config_diff: { modified: { key: hidden } } }), version(2, { config })]
  const body = bodyOf(versions, { base: version(0, { config }) })
  expect(changesIn(body)).toContain('- **key**: `"[redacted]"` → `"[redacted]"`')
})

test('without configurations the differences are put together, whatever they are', () => {
  const value = fc.constantFrom(1, 2, 'x', null, { a: 1 })
  const config = fc.dictionary(fc.constantFrom('a', 'b', 'c'), value)
  fc.assert(
    fc.property(config, fc.array(config, { minLength: 1, maxLength: 5 }), (first, later) => {
      const all = [first, ...later].map((each) => JSON.parse(JSON.stringify(each)))
      const versions = all.slice(1).map((after, at) => version(at + 1, { config_diff: topLevelDiff(all[at], after) }))
      const expected = [version(1, { config_diff: topLevelDiff(all[0], all.at(-1)) })]
      expect(changesIn(bodyOf(versions)).split('\n').sort()).toEqual(changesIn(bodyOf(expected)).split('\n').sort())
    }),
  )
})

/** A difference by the keys at the top alone, as a sender without paths would have it. */
function topLevelDiff(before: Record<string, unknown>, after: Record<string, unknown>) {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  const pick = (wanted: (key: string) => boolean, value: (key: string) => unknown) =>
    Object.fromEntries(keys.filter(wanted).map((key) => [key, value(key)]))
  const isIn = (config: object) => (key: string) => Object.hasOwn(config, key)
  return {
    added: pick(
      (key) => !isIn(before)(key) && isIn(after)(key),
      (key) => after[key],
    ),
    removed: pick(
      (key) => isIn(before)(key) && !isIn(after)(key),
      (key) => before[key],
    ),
    modified: pick(
      (key) => isIn(before)(key) && isIn(after)(key) && JSON.stringify(before[key]) !== JSON.stringify(after[key]),
      (key) => ({ old: before[key], new: after[key] }),
    ),
  }
}

test('what is not read is counted, and its changes are said to be missing', () => {
  const versions = [version(1, { config_diff: { added: { a: 1 } } }), version(2, { config_diff: { added: { b: 1 } } })]
  const body = bodyOf([null, ...versions], { earlier: 3 })
  expect(body).toContain('*and 4 more before*')
  expect(body).toContain('*Changes of the deployments that are not listed are missing.*')
  expect(bodyOf(versions)).not.toContain('missing')
})

test('of many deployments the newest twenty have a row', () => {
  const body = bodyOf(Array.from({ length: 25 }, () => version(1, { config: { a: 1 } })))
  expect(body.match(/^\| 2025/gm)).toHaveLength(20)
  expect(body).toContain('*and 5 more before*')
})

test('a template decides where the table is, and has it at its end otherwise', () => {
  const versions = [version(1), version(2)]
  expect(bodyOf(versions, { body: '{deployments}\n\nby {deployed_by}' })).toMatch(
    /^\| Deployed .*\n\nby jane@company\.com$/s,
  )
  expect(bodyOf(versions, { body: 'Only {app}' })).toMatch(/^Only bot\n\n## Deployments\n\n\| Deployed /)
})

test('what is no deployment in a file is not described', () => {
  for (const content of [null, '', 'text', '[]', '{}', '{"deployed_at":1}']) {
    expect(readVersion(content).event).toBeNull()
    const versions = [version(1), content].map(readVersion)
    expect(combinedTexts(TEMPLATES, { base: readVersion(null), versions, earlier: 0 })).toBeNull()
  }
})
