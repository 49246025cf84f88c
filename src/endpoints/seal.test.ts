import { createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { refusalOf } from '../../test/refusal.ts'
import { fingerprint, keyIdOf, openSeal } from './seal.ts'

const [old, current] = [randomBytes(32), randomBytes(32)]
const seal = openSeal([current.toString('base64'), old.toString('base64')])
const ID = '0199aaaa-0000-7000-8000-000000000001'

function detailOf(run: () => unknown): string {
  const error = refusalOf(run)
  return error ? `${error.code}: ${error.detail}` : 'opened'
}

describe('a sealed text', () => {
  it('is AES-256-GCM by the first key, for the endpoint it was sealed for, and never the same twice', () => {
    const sealed = seal.seal(ID, 'whsec_é')
    const keyId = createHash('sha256').update(current).digest('hex').slice(0, 8)
    expect(sealed).toMatch(new RegExp(`^v1\\.${keyId}\\.[\\w-]+$`))
    const bytes = Buffer.from(sealed.split('.')[2] ?? '', 'base64url')
    const decipher = createDecipheriv('aes-256-gcm', current, bytes.subarray(0, 12)).setAAD(Buffer.from(ID))
    decipher.setAuthTag(bytes.subarray(12, 28))
    expect(decipher.update(bytes.subarray(28), undefined, 'utf8') + decipher.final('utf8')).toBe('whsec_é')
    expect(seal.seal(ID, 'whsec_é')).not.toBe(sealed)
  })

  it('is opened by any of the keys', () => {
    expect(seal.open(ID, seal.seal(ID, 'new'))).toBe('new')
    const earlier = openSeal([old.toString('base64')]).seal(ID, 'old')
    expect(seal.open(ID, earlier)).toBe('old')
    expect(keyIdOf(earlier)).toBe(seal.keyIds[1])
  })

  it('is not opened without its key, and the error names that by its id only', () => {
    const earlier = openSeal([old.toString('base64')]).seal(ID, 'old')
    const said = detailOf(() => openSeal([current.toString('base64')]).open(ID, earlier))
    expect(said).toBe(`secret_unreadable: The encryption key ${fingerprint(old)} is not in SIGNALBOX_ENCRYPTION_KEY.`)
  })

  it('is not opened for another endpoint, nor when anything of it was changed', () => {
    const sealed = seal.seal(ID, 'text')
    expect(detailOf(() => seal.open(ID.replace('1', '2'), sealed))).toContain('belongs to another one')
    const [version, keyId, body = ''] = sealed.split('.')
    for (const at of [0, 20, 30, body.length - 3]) {
      const changed = `${body.slice(0, at)}${body[at] === 'A' ? 'B' : 'A'}${body.slice(at + 1)}`
      expect(detailOf(() => seal.open(ID, `${version}.${keyId}.${changed}`))).toMatch(/^secret_unreadable: /)
    }
    for (const wrong of ['', 'text', 'v1', `v1.${keyId}`, `v1.${keyId}.`, `v1.${keyId}.${body.slice(0, 24)}`]) {
      expect(detailOf(() => seal.open(ID, wrong))).toMatch(/^secret_unreadable: /)
    }
  })

  it('cannot be made without a key, and the error says what to set', () => {
    const error = refusalOf(() => openSeal([]).seal(ID, 'text'))
    expect(error).toMatchObject({
      code: 'encryption_key_missing',
      hint: expect.stringContaining('openssl rand -base64 32'),
    })
  })
})
