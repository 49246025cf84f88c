// Where in a file's patch a line is.

/** One line of a patch; null where the line is not on that side. */
export type PatchLine = {
  left: number | null
  right: number | null
  /** Lines below the first hunk's header. */
  position: number
  /** The hunk down to this line. */
  hunk: string
}

/** Every line of a patch below its hunk headers. */
export function patchLines(patch: string): PatchLine[] {
  const found: PatchLine[] = []
  let hunk: string[] = []
  let [left, right] = [0, 0]
  for (const [index, text] of patch.split('\n').entries()) {
    const header = /^@@ -(\d+)(?:,\d+)? \+(\d+)/.exec(text)
    hunk = header ? [text] : [...hunk, text]
    if (header) [left, right] = [Number(header[1]), Number(header[2])]
    else if (!text.startsWith('\\')) {
      const [isOld, isNew] = [!text.startsWith('+'), !text.startsWith('-')]
      const sides = { left: isOld ? left++ : null, right: isNew ? right++ : null }
      found.push({ ...sides, position: index, hunk: hunk.join('\n') })
    }
  }
  return found
}
