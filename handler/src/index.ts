// What `import … from '@signalbox/handler'` offers.
export type { DeploymentEvent } from '../../src/descriptions/deployment-event.ts'
export type { Written as Policy } from '../../src/publisher/policy.ts'
export type { PullRequestOutput } from '../../src/publisher/pull-request-output.ts'
export { createHandler } from './handler.ts'
export type { HandlerOptions } from './options.ts'
