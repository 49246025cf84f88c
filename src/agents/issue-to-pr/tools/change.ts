// The tools that change files: write, patch and delete.
import { isUtf8 } from 'node:buffer'
import { z } from 'zod'
import { entryAt, readInside, removeInside, writeInside } from '../../../workspaces/inside.ts'
import { changeablePath, pathArgument } from './paths.ts'
import { defineTool } from './tool.ts'

const MAX_CHARS = 1_000_000

const content = z.string().max(MAX_CHARS)

/** Writes a whole file. */
export const writeTool = defineTool({
  name: 'write',
  description: 'Writes a whole file, new or in the place of what is there. To change a part of a file, use patch.',
  arguments: z.strictObject({ path: pathArgument, content, executable: z.boolean().optional() }),
  changes: true,
  async run({ path: given, content: text, executable }, context) {
    const path = changeablePath(given, context)
    const { folder } = context.copy
    const before = (await entryAt(folder, path))?.kind === 'file' ? await readInside(folder, path, MAX_CHARS * 4) : null
    const bytes = Buffer.from(before !== null && hasCrlf(before.toString('utf8')) ? toCrlf(text) : text)
    await writeInside(folder, path, { bytes, executable })
    return { target: path, outcome: 'ok', said: `${path} was ${before === null ? 'created' : 'written'}.` }
  },
})

/** Replaces text in a file. */
export const patchTool = defineTool({
  name: 'patch',
  description:
    'Replaces text in a file: each `old` must be in it exactly once, with its spaces and line ends, and becomes `new`. All replacements are made, or none.',
  arguments: z.strictObject({
    path: pathArgument,
    replacements: z
      .array(z.strictObject({ old: content.min(1), new: content }))
      .min(1)
      .max(100),
  }),
  changes: true,
  async run({ path: given, replacements }, context) {
    const path = changeablePath(given, context)
    const bytes = await readInside(context.copy.folder, path, MAX_CHARS * 4)
    const failed = (said: string) => ({
      target: path,
      outcome: 'failed' as const,
      said: `${said} Nothing was changed.`,
    })
    if (!isUtf8(bytes)) return failed(`${path} is not text.`)
    let text = bytes.toString('utf8')
    const adapt = hasCrlf(text) ? toCrlf : (given: string) => given
    for (const [at, replacement] of replacements.entries()) {
      const old = adapt(replacement.old)
      const first = text.indexOf(old)
      if (first === -1) return failed(`replacements[${at}].old is not in ${path}: read it again.`)
      if (text.includes(old, first + 1)) {
        return failed(`replacements[${at}].old is in ${path} more than once: add the lines around it.`)
      }
      text = text.slice(0, first) + adapt(replacement.new) + text.slice(first + old.length)
    }
    await writeInside(context.copy.folder, path, { bytes: Buffer.from(text) })
    return { target: path, outcome: 'ok', said: `${path} was changed.` }
  },
})

/** Deletes a file. */
export const deleteTool = defineTool({
  name: 'delete',
  description: 'Deletes a file.',
  arguments: z.strictObject({ path: pathArgument }),
  changes: true,
  async run({ path: given }, context) {
    const path = changeablePath(given, context)
    await removeInside(context.copy.folder, path)
    return { target: path, outcome: 'ok', said: `${path} was deleted.` }
  },
})

/** Models read and write LF; a file keeps what it has. */
function hasCrlf(text: string): boolean {
  return text.includes('\r\n') && !/(?<!\r)\n/.test(text)
}

function toCrlf(text: string): string {
  return text.replace(/\r?\n/g, '\r\n')
}
