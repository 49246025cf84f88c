// Where people look at what the API names.

/**
 * `https://api.github.com` is shown at `https://github.com`, and `https://HOST/api/v3` at
 * `https://HOST`.
 */
export function webUrl(apiUrl: string): string {
  return apiUrl.replace(/^https:\/\/api\.github\.com$/, 'https://github.com').replace(/\/api\/v3$/, '')
}
