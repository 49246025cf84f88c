import { expect, test } from 'vitest'
import { requireSigningKey } from './signing-key.ts'

test('an endpoint that wants ed25519 is refused where nothing can sign so, with what to do', () => {
  expect(() => requireSigningKey({ signatures: ['standard', 'ed25519'] }, { hasKey: false })).toThrow(
    /^signatures: "ed25519" needs a signing key, .* set SIGNALBOX_SIGNING_KEY to what "signalbox secret generate --ed25519"/,
  )
})

test('every other endpoint is accepted, and with a key that one too', () => {
  requireSigningKey({ signatures: ['standard', 'agenta'] }, { hasKey: false })
  requireSigningKey({}, { hasKey: false })
  requireSigningKey({ signatures: ['ed25519'] }, { hasKey: true })
})
