// How long a secret must be.

/** A shorter secret is refused, because it could be guessed. */
export const MIN_SECRET_CHARS = 20
