// The secrets of tests: the webhook secret of every source, and the token of the API.
export const SECRET = 'a-secret-of-32-characters-or-so!'
export const TOKEN = 'an-api-token-of-32-characters-yes'
