// The GitHub App that Signalbox asks for: what it may do, and what it is sent.
import type { Access } from '../forges/access.ts'
import { defaultRules } from './default-rules.ts'
import { wantedEvents } from './github-events.ts'

/**
 * What the agents of the default rules read and write. A check takes the place of a status, which
 * tokens of people need in place of it.
 */
export const APP_PERMISSIONS: Access = {
  checks: 'write',
  contents: 'write',
  deployments: 'write',
  issues: 'write',
  metadata: 'read',
  pull_requests: 'write',
}

const MAX_NAME_CHARS = 34

/** What GitHub makes an App of: https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest */
export type AppManifest = {
  name: string
  description: string
  url: string
  hook_attributes: { url: string; active: true }
  redirect_url: string
  public: false
  default_permissions: Access
  default_events: string[]
}

/** A manifest; its name, which must be unique on GitHub, can be changed there. */
export function appManifest(
  urls: { publicUrl: string; webhookUrl: string; redirectUrl: string },
  name: string,
): AppManifest {
  return {
    name: name.slice(0, MAX_NAME_CHARS).trim(),
    description: 'Turns events of this repository into the work of agents.',
    url: urls.publicUrl,
    hook_attributes: { url: urls.webhookUrl, active: true },
    redirect_url: urls.redirectUrl,
    public: false,
    default_permissions: APP_PERMISSIONS,
    default_events: wantedEvents({ rules: defaultRules }, 'app'),
  }
}
