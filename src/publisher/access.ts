// What the outputs of a job need to be allowed on the forge, and no more.
import type { Access } from '../forges/access.ts'
import type { Output } from './output.ts'

const WORKFLOWS = /^\.github\/workflows\//i

/** What it takes to write these outputs, all of one repository. */
export function accessFor(outputs: readonly Output[]): Access {
  return outputs.map(neededBy).reduce(both, {})
}

function both(a: Access, b: Access): Access {
  const stronger = Object.entries(b).filter(([name]) => a[name as keyof Access] !== 'write')
  return { ...a, ...Object.fromEntries(stronger) }
}

function neededBy(output: Output): Access {
  switch (output.kind) {
    case 'pull_request':
      return {
        ...filesAccess(output),
        pull_requests: 'write',
        // Teams are seen by those who may see members.
        ...((output.teamReviewers ?? []).length > 0 && { members: 'read' }),
      }
    case 'commit':
      return filesAccess(output)
    case 'comment':
    case 'labels':
    case 'reaction':
      return targetAccess(output.target)
    case 'review':
      return { pull_requests: 'write', contents: 'read' }
    case 'thread':
      // Who resolves a thread needs `contents`, too: https://github.com/orgs/community/discussions/44650
      return { pull_requests: 'write', ...(output.resolve === true && { contents: 'write' }) }
    case 'check':
      // Where it may make no checks, a status takes its place.
      return { checks: 'write', statuses: 'write' }
    case 'deployment_status':
      return { deployments: 'write' }
    case 'issue':
      return { issues: 'write' }
  }
}

function filesAccess({ changes }: { changes: readonly { path: string }[] }): Access {
  const hasWorkflow = changes.some(({ path }) => WORKFLOWS.test(path))
  return { contents: 'write', ...(hasWorkflow && { workflows: 'write' }) }
}

function targetAccess(target: object): Access {
  if ('commit' in target) return { contents: 'write' }
  if ('issue' in target) return { issues: 'write' }
  // A comment may be on an issue or on a pull request.
  return 'comment' in target ? { issues: 'write', pull_requests: 'write' } : { pull_requests: 'write' }
}
