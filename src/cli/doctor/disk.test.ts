// The doctor on the space of disks.
import { statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { examineDisks } from '../../http/disk-space.ts'
import { readEnvironment } from '../../lib/environment.ts'
import { diskCheck } from './disk.ts'

test('what is free is in the units of everything else', async () => {
  const { bavail, bsize } = await statfs(tmpdir())
  const { details } = await examineDisks({ data: tmpdir() })
  expect(Math.abs(Number(details.data_free_mb) / ((bavail * bsize) / 1e6) - 1)).toBeLessThan(0.03)
  const { detail } = await diskCheck({ folder: tmpdir() }, readEnvironment({}))
  expect(detail).toMatch(/Free: data (\d\.\d|\d\d\.\d|\d{3}) [MGT]B, mirrors /)
})
