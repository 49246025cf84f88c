// How a run of the command line ends.

/**
 * Exit codes: 0 done, 1 an expected failure, 2 wrong usage, 70 a bug (`EX_SOFTWARE` of sysexits.h).
 */
export const EXIT = { done: 0, failed: 1, usage: 2, bug: 70 } as const
