import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DiffFile, Hunk } from '../diffs/diff.ts'
import type { Finding } from './finding.ts'
import { fingerprinted, reviewKey } from './fingerprint.ts'
import { FINDING } from './fixtures/finding.ts'

const finding: Finding = { ...FINDING, line: 1 }

/** A file whose lines were all added, from a line on. */
function file(lines: readonly string[], start = 1): DiffFile {
  const hunk: Hunk = {
    oldStart: 0,
    oldLines: 0,
    newStart: start,
    newLines: lines.length,
    section: '',
    lines: lines.map((text, at) => ({ left: null, right: start + at, text, endsWithNewline: true })),
  }
  return {
    path: 'a.ts',
    oldPath: null,
    status: 'added',
    oldMode: null,
    newMode: '100644',
    oldBlob: null,
    newBlob: 'b',
    isBinary: false,
    isSubmodule: false,
    hunks: [hunk],
  }
}

function fingerprintAt(
  lines: readonly string[],
  line: number,
  { start = 1, ...change }: Partial<Finding> & { start?: number } = {},
) {
  const [found] = fingerprinted([{ ...finding, line: start + line - 1, ...change }], { files: [file(lines, start)] })
  return found?.fingerprint
}

const LINES = ['const a = 1', 'debugger', 'return a', '}', 'return b', '}']

describe('the fingerprint of a finding', () => {
  it('stays the same when its lines move or are indented', () => {
    const before = fingerprintAt(LINES, 2)
    expect(before).toMatch(/^[0-9a-f]{32}$/)
    expect(fingerprintAt(LINES, 2, { start: 400 })).toBe(before)
    expect(fingerprintAt(['more', ...LINES], 3)).toBe(before)
    expect(fingerprintAt(['', '\t\tdebugger  '], 2)).toBe(before)
  })

  it('is another one for another code, file, category or reviewer', () => {
    const all = [
      fingerprintAt(LINES, 2),
      fingerprintAt(LINES, 3),
      fingerprintAt(['debugger; // for a while'], 1),
      fingerprintAt(LINES, 2, { category: 'secret' }),
      fingerprintAt(LINES, 2, { reviewer: 'model' }),
      fingerprintAt(LINES, 3, { startLine: 2 }),
      fingerprintAt(LINES, 2, { path: 'b.ts' }),
    ]
    expect(new Set(all).size).toBe(all.length)
  })

  it('tells apart equal lines by those around them', () => {
    expect(fingerprintAt(LINES, 4)).not.toBe(fingerprintAt(LINES, 6))
    expect(fingerprintAt(['new', ...LINES], 5)).toBe(fingerprintAt(LINES, 4))
  })

  it('tells apart two mistakes of one kind in a line, and goes by the title where there is no line', () => {
    const two = fingerprinted(
      [
        { ...finding, line: 2 },
        { ...finding, line: 2 },
      ],
      { files: [file(LINES)] },
    )
    expect(two[0]?.fingerprint).not.toBe(two[1]?.fingerprint)
    const whole = (title: string) => fingerprinted([{ ...finding, line: null, title }], { files: [] })[0]?.fingerprint
    expect(whole('It is large')).toBe(whole('It  is large'))
    expect(whole('It is large')).not.toBe(whole('It is generated'))
  })

  it('survives whatever is added before and after its line', () => {
    const other = fc.array(fc.string().filter((text) => text.trim() !== '' && text.trim() !== 'x = y ? 1 : 2'))
    fc.assert(
      fc.property(other, other, fc.nat(1000), (before, after, start) => {
        const lines = [...before, 'x = y ? 1 : 2', ...after]
        expect(fingerprintAt(lines, before.length + 1, { start: start + 1 })).toBe(fingerprintAt(['x = y ? 1 : 2'], 1))
      }),
    )
  })
})

it('a file is remembered by what it was, what it is, and who read it', () => {
  const one = file(LINES)
  const keys = [
    reviewKey(one, 'm1'),
    reviewKey(one, 'm2'),
    reviewKey({ ...one, newBlob: 'c' }, 'm1'),
    reviewKey({ ...one, oldBlob: 'a' }, 'm1'),
    reviewKey({ ...one, path: 'b.ts' }, 'm1'),
  ]
  expect(new Set(keys).size).toBe(keys.length)
  expect(reviewKey({ ...one, hunks: [] } as DiffFile, 'm1')).toBe(keys[0])
})
