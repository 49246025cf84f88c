// Text that comes in pieces, as lines.

// Longer lines without an end are passed on in pieces.
const MAX_PIECE_CHARS = 4000

/** Takes text as it comes. */
export type LineWriter = {
  write(text: string): void
  /** The last line may have no end. */
  end(): void
}

/** Passes lines on as they come; one without an end in pieces, so that it cannot fill memory. */
export function writeLines(onLine: (line: string) => void): LineWriter {
  let rest = ''
  return {
    write(text) {
      const parts = (rest + text).split(/\r?\n/)
      rest = parts.pop() ?? ''
      for (const line of parts) onLine(line)
      if (rest.length <= MAX_PIECE_CHARS) return
      onLine(rest)
      rest = ''
    },
    end() {
      if (rest !== '') onLine(rest)
      rest = ''
    },
  }
}
