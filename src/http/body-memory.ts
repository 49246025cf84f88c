// What all bodies may take together, while they are read and until they are recorded. Without a
// limit a few dozen connections would take all memory, and no signature is needed for that.

const MB = 1024 * 1024
const SMALL_BODY_BYTES = MB

/** What bodies of one size may take together, and those of them that have not arrived whole. */
type Share = { readonly maxBytes: number; usedBytes: number; unfinished: Set<Held> }

// Two, so that large bodies cannot lock small ones out.
const small: Share = { maxBytes: 64 * MB, usedBytes: 0, unfinished: new Set() }
const large: Share = { maxBytes: 192 * MB, usedBytes: 0, unfinished: new Set() }

/** The memory of one body. `onNoRoom` is called when it has to be given up, while unfinished. */
export type Held = { bytes: number; share: Share; onNoRoom(): void }

/** The memory of a body of which nothing has arrived. */
export function holdNothing(): Held {
  return { bytes: 0, share: small, onNoRoom: () => {} }
}

/**
 * Lets an unfinished body hold this many bytes in place of those it has. Where there is no space,
 * the largest unfinished bodies are given up, perhaps this one: many senders that never finish keep
 * none out that does.
 */
export function hold(held: Held, bytes: number): void {
  letGo(held)
  const share = bytes > SMALL_BODY_BYTES ? large : small
  Object.assign(held, { share, bytes })
  share.usedBytes += bytes
  share.unfinished.add(held)
  while (share.usedBytes > share.maxBytes) {
    let largest = held
    // Of several, the one that has not grown for the longest time.
    for (const other of [...share.unfinished].reverse()) if (other.bytes >= largest.bytes) largest = other
    letGo(largest)
    largest.onNoRoom()
    if (largest === held) return
  }
}

/** The body has arrived whole: it is not given up any more. */
export function finish(held: Held): void {
  held.share.unfinished.delete(held)
}

/** The body takes nothing any more. */
export function letGo(held: Held): void {
  finish(held)
  held.share.usedBytes -= held.bytes
  held.bytes = 0
}
