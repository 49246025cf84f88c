// Which of a request's signatures are right: each one that is there is checked by itself.
import type { JsonWebKeySet } from '@signalbox/sdk'
import { verifyAgenta, verifyGithub, verifyStandard, WebhookVerificationError } from '@signalbox/sdk'
import { hasStandardHeaders, readStandard } from '@signalbox/sdk/scheme'

/** What a request is verified by. */
export type Keys = {
  secret?: string | undefined
  publicKey?: string | undefined
  jwks?: JsonWebKeySet | string | undefined
}

/** One signature: right, wrong (and why), or not checked for want of a key. */
export type Verdict = { scheme: string; verdict: 'right' | 'wrong' | 'unchecked'; why: string | null }

type Request = { headers: Readonly<Record<string, string | readonly string[] | undefined>>; body: Uint8Array }

/** A verdict on every signature that a request has; none for a request without any. */
export async function verdictsOn({ headers, body }: Request, { secret, publicKey, jwks }: Keys): Promise<Verdict[]> {
  const kinds = standardKinds(headers)
  const shared = secret === undefined ? null : { headers, body, secrets: secret }
  const keys = publicKey === undefined && jwks === undefined ? null : { headers, body, publicKeys: publicKey, jwks }
  const verdicts = [
    kinds.digest && verdict('Standard Webhooks (v1)', shared && verifyStandard(shared), '--secret'),
    kinds.asymmetric && verdict('ed25519 (v1a)', keys && verifyStandard(keys), '--public-key'),
    headers['x-agenta-signature'] !== undefined &&
      verdict('Agenta (sha256=)', shared && verifyAgenta(shared), '--secret'),
    headers['x-hub-signature-256'] !== undefined &&
      verdict('GitHub (sha256=)', shared && verifyGithub(shared), '--secret'),
  ]
  return Promise.all(verdicts.filter((each) => each !== false))
}

/** What Standard Webhooks' header has in it. What cannot be read is a digest that is wrong. */
function standardKinds(headers: Request['headers']): { digest: boolean; asymmetric: boolean } {
  if (!hasStandardHeaders(headers)) return { digest: false, asymmetric: false }
  try {
    const { candidates, asymmetric } = readStandard(headers)
    return { digest: candidates.length > 0 || asymmetric.length === 0, asymmetric: asymmetric.length > 0 }
  } catch {
    return { digest: true, asymmetric: false }
  }
}

async function verdict(scheme: string, verification: Promise<unknown> | null, option: string): Promise<Verdict> {
  if (verification === null) return { scheme, verdict: 'unchecked', why: `no ${option}` }
  try {
    await verification
    return { scheme, verdict: 'right', why: null }
  } catch (error) {
    if (!(error instanceof WebhookVerificationError)) throw error
    return { scheme, verdict: 'wrong', why: `${error.code}: ${error.message}` }
  }
}
