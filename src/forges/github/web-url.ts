// Where people look at what the API names.

/** `https://api.github.com` → `https://github.com`, `https://HOST/api/v3` → `https://HOST`. */
export function webUrl(apiUrl: string): string {
  const { protocol, host, pathname } = new URL(apiUrl)
  const isOfHost = host.startsWith('api.')
  return `${protocol}//${isOfHost ? host.slice('api.'.length) : host}${pathname.replace(/(\/api\/v3)?\/*$/, '')}`
}
