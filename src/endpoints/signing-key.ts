// Which endpoints need the signing key of the installation.

/**
 * What is wrong with the signatures of an endpoint, a line or none: that nothing could sign as it
 * asks.
 */
export function signingProblems(
  signatures: readonly string[] | undefined,
  { hasSigningKey = true }: { hasSigningKey?: boolean | undefined },
): string[] {
  if (hasSigningKey || signatures?.includes('ed25519') !== true) return []
  return [
    'signatures: "ed25519" needs a signing key, and this server has none: set SIGNALBOX_SIGNING_KEY to what ' +
      '"signalbox secret generate --ed25519" prints, and restart it.',
  ]
}
