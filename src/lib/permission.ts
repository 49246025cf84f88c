// What an account may do in a repository, in GitHub's five levels.

/** The levels, each of which includes those before it. */
export const LEVELS = ['read', 'triage', 'write', 'maintain', 'admin'] as const

/** What an account may do in a repository. */
export type Permission = (typeof LEVELS)[number] | 'none'

/** Whether a permission includes a level. */
export function reaches(permission: Permission, level: (typeof LEVELS)[number]): boolean {
  return permission !== 'none' && LEVELS.indexOf(permission) >= LEVELS.indexOf(level)
}
