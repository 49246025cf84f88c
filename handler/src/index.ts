// What `import … from '@signalbox/handler'` offers.
export type { DeploymentEvent } from '../../src/agents/deployment-pr/deployment-event.ts'
export type { PullRequestOutput } from '../../src/publisher/output.ts'
export type { Policy } from '../../src/publisher/policy.ts'
export { createHandler } from './handler.ts'
export type { HandlerOptions } from './options.ts'
