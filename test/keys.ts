// The secrets of tests: the webhook secret of every source, the token of the API, and the key that
// the secrets of endpoints are sealed with.
export const SECRET = 'a-secret-of-32-characters-or-so!'
export const TOKEN = 'an-api-token-of-32-characters-yes'
export const ENCRYPTION_KEY = Buffer.alloc(32, 'an-encryption-key').toString('base64')
