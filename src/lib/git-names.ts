// What git accepts as the name of a branch, and what is safe as the path of a file.

/** The rules of `git check-ref-format`, and 255 bytes (GitHub's limit) for the whole reference. */
export function isBranchName(branch: string): boolean {
  return (
    Buffer.byteLength(`refs/heads/${branch}`) <= 255 &&
    branch.isWellFormed() &&
    // biome-ignore lint/suspicious/noControlCharactersInRegex: git forbids them
    !/[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\/|^[/-]|[/.]$/.test(branch) &&
    branch.split('/').every((part) => !part.startsWith('.') && !part.endsWith('.lock'))
  )
}

/** Whether a path is inside the repository on every file system, and not git's own. */
export function isPlainPath(path: string): boolean {
  return (
    path.isWellFormed() &&
    Buffer.byteLength(path) <= 1024 &&
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none belongs in a path
    !/[\u0000-\u001f\u007f\\]/.test(path) &&
    !path.split('/').some(isGitOrDots)
  )
}

// Characters that HFS+ ignores in names.
const IGNORED_IN_NAMES = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g

/**
 * Whether a part of a path is empty, `.` or `..`, or is `.git` to some file system: HFS+ ignores
 * case and some characters, NTFS also dots and spaces at the end and what follows a colon, and
 * has a short name for it.
 */
function isGitOrDots(part: string): boolean {
  return /^(?:\.{0,2}|(?:\.git|git~\d)[. ]*(?::.*)?)$/is.test(part.replace(IGNORED_IN_NAMES, ''))
}
