// The first address of the API, and what GitHub says of itself.
import type { Hub } from '../hub.ts'
import { json, route } from '../route.ts'

/** GitHub's wisdom, also in every `ping`. */
export const ZEN = 'Keep it logically awesome.'

/** https://docs.github.com/en/rest/meta/meta */
export const metaRoutes = [
  route('GET', '/', ({ hub }) => json(rootShape(hub))),
  route('GET', '/meta', () => json(META)),
  route('GET', '/zen', () => ({ status: 200, body: ZEN })),
]

const LOOPBACK = ['127.0.0.0/8']
const META = {
  verifiable_password_authentication: false,
  hooks: LOOPBACK,
  web: LOOPBACK,
  api: LOOPBACK,
  git: LOOPBACK,
}

// As api.github.com lists them, whether the fake has them or not.
const LINKS = {
  current_user_url: '/user',
  authorizations_url: '/authorizations',
  code_search_url: '/search/code?q={query}{&page,per_page,sort,order}',
  commit_search_url: '/search/commits?q={query}{&page,per_page,sort,order}',
  emails_url: '/user/emails',
  emojis_url: '/emojis',
  events_url: '/events',
  feeds_url: '/feeds',
  followers_url: '/user/followers',
  following_url: '/user/following{/target}',
  gists_url: '/gists{/gist_id}',
  hub_url: '/hub',
  issue_search_url: '/search/issues?q={query}{&page,per_page,sort,order}',
  issues_url: '/issues',
  keys_url: '/user/keys',
  label_search_url: '/search/labels?q={query}&repository_id={repository_id}{&page,per_page}',
  notifications_url: '/notifications',
  organization_url: '/orgs/{org}',
  organization_repositories_url: '/orgs/{org}/repos{?type,page,per_page,sort}',
  organization_teams_url: '/orgs/{org}/teams',
  public_gists_url: '/gists/public',
  rate_limit_url: '/rate_limit',
  repository_url: '/repos/{owner}/{repo}',
  repository_search_url: '/search/repositories?q={query}{&page,per_page,sort,order}',
  current_user_repositories_url: '/user/repos{?type,page,per_page,sort}',
  starred_url: '/user/starred{/owner}{/repo}',
  starred_gists_url: '/gists/starred',
  topic_search_url: '/search/topics?q={query}{&page,per_page}',
  user_url: '/users/{user}',
  user_organizations_url: '/user/orgs',
  user_repositories_url: '/users/{user}/repos{?type,page,per_page,sort}',
  user_search_url: '/search/users?q={query}{&page,per_page,sort,order}',
}

function rootShape({ url, apiUrl }: Hub) {
  return {
    current_user_authorizations_html_url: `${url}/settings/connections/applications{/client_id}`,
    ...Object.fromEntries(Object.entries(LINKS).map(([name, path]) => [name, `${apiUrl}${path}`])),
  }
}
