// The oldest Node.js that this runs on. Loaded by any, so nothing here may be newer.

/** Its major version. */
export const OLDEST_NODE = 24
