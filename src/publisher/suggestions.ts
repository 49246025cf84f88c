// Suggestions of other lines, which GitHub offers to commit as they are.
import type { LineComment } from '../forges/reviews.ts'

/**
 * Whether GitHub can commit what the comment suggests: only lines of the new version are replaced.
 */
export function canSuggest({ side, startSide = side }: LineComment): boolean {
  return side === 'RIGHT' && startSide === 'RIGHT'
}

/** The text with its suggestions as plain blocks of code; what a longer fence quotes stays. */
export function withoutSuggestions(text: string): string {
  let open: string | null = null
  const lines = text.split('\n').map((line) => {
    const [, indent = '', fence, info = ''] = /^([ >]*)(`{3,}|~{3,})(.*)$/s.exec(line) ?? []
    if (fence === undefined) return line
    if (open !== null) {
      if (fence.startsWith(open) && info.trim() === '') open = null
      return line
    }
    open = fence
    return /^\s*suggestion\b/i.test(info) ? `${indent}${fence}` : line
  })
  return lines.join('\n')
}
