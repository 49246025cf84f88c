import { expect, test } from 'vitest'
import { readEndpointChange, readEndpointConfigs, readEndpointRequest } from './endpoint.ts'
import { signingProblems } from './signing-key.ts'

const request = { url: 'https://example.com/', secret: 'a-secret-of-more-than-20-characters' }
const wanted = { ...request, signatures: ['standard', 'ed25519'] }
const SENTENCE =
  /signatures: "ed25519" needs a signing key, .* "signalbox secret generate --ed25519" prints, and restart/

test('an endpoint that wants ed25519 is refused where nothing can sign so, with what to do', () => {
  const checks = { hasSigningKey: false }
  expect(() => readEndpointRequest(wanted, checks)).toThrow(SENTENCE)
  expect(() => readEndpointChange({ signatures: ['ed25519'] }, checks)).toThrow(SENTENCE)
  expect(() => readEndpointConfigs([{ ...wanted, name: 'x' }], checks)).toThrow(SENTENCE)
})

test('every other endpoint is accepted, and with a key that one too', () => {
  expect(readEndpointRequest(wanted, { hasSigningKey: true }).signatures).toEqual(['standard', 'ed25519'])
  expect(readEndpointRequest(request, { hasSigningKey: false }).signatures).not.toContain('ed25519')
  expect(readEndpointChange({ name: 'x' }, { hasSigningKey: false })).toEqual({ name: 'x' })
  expect(signingProblems(undefined, { hasSigningKey: false })).toEqual([])
})
