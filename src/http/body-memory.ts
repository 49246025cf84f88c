// What all bodies may take together, while they are read and until they are recorded. Without a
// limit a few dozen connections would take all memory, and no signature is needed for that.

const MB = 1024 * 1024
const SMALL_BODY_BYTES = MB

/** What bodies of one size may take together, and those of them that have not arrived whole. */
type Share = { maxBytes: number; usedBytes: number; unfinished: Set<Held> }

const MAX_MB = 256
const SMALL_PART = 1 / 4

// Two, so that large bodies cannot lock small ones out. Both are of the process, as its memory is.
const small: Share = { maxBytes: MAX_MB * SMALL_PART * MB, usedBytes: 0, unfinished: new Set() }
const large: Share = { maxBytes: MAX_MB * (1 - SMALL_PART) * MB, usedBytes: 0, unfinished: new Set() }

/** Sets what all bodies of this process may take together. */
export function limitBodies(maxMb: number): void {
  small.maxBytes = maxMb * SMALL_PART * MB
  large.maxBytes = maxMb * (1 - SMALL_PART) * MB
}

/** The memory of one body. `onNoRoom` is called when an unfinished one has to be given up. */
export type Held = { bytes: number; share: Share; onNoRoom: (() => void) | null }

/** The memory of a body of which nothing has arrived. */
export function holdNothing(): Held {
  return { bytes: 0, share: small, onNoRoom: null }
}

/**
 * Lets a body hold this many bytes in place of those it has, and returns whether there was space.
 * Where there is none, the largest unfinished bodies are given up, perhaps this one: many senders
 * that never finish keep none out that does. With `onNoRoom` the body is an unfinished one, until
 * it lets go. Most bodies come whole and do without: neither a function nor a place in a set, which
 * V8 would keep, with the request, for several collections.
 */
export function hold(held: Held, bytes: number, onNoRoom: (() => void) | null): boolean {
  letGo(held)
  const share = bytes > SMALL_BODY_BYTES ? large : small
  held.share = share
  held.bytes = bytes
  held.onNoRoom = onNoRoom
  share.usedBytes += bytes
  if (onNoRoom) share.unfinished.add(held)
  while (share.usedBytes > share.maxBytes) {
    let largest = held
    // Of several, the one that has not grown for the longest time.
    for (const other of [...share.unfinished].reverse()) if (other.bytes >= largest.bytes) largest = other
    const giveUp = largest.onNoRoom
    letGo(largest)
    if (largest === held) return false
    giveUp?.()
  }
  return true
}

/** The body has arrived whole: it is not given up any more. */
export function finish(held: Held): void {
  held.share.unfinished.delete(held)
  held.onNoRoom = null
}

/** The body takes nothing any more. */
export function letGo(held: Held): void {
  finish(held)
  held.share.usedBytes -= held.bytes
  held.bytes = 0
}
