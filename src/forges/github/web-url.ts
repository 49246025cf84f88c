// Where people look at what the API names.

/** `https://api.github.com` → `https://github.com`, `https://HOST/api/v3` → `https://HOST`. */
export function webUrl(apiUrl: string): string {
  const { protocol, host, pathname } = new URL(apiUrl)
  const isOfHost = host.startsWith('api.')
  const folders = pathname.split('/').filter((name) => name !== '')
  if (folders.at(-2) === 'api' && folders.at(-1) === 'v3') folders.splice(-2)
  return `${protocol}//${[isOfHost ? host.slice('api.'.length) : host, ...folders].join('/')}`
}
