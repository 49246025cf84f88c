// What `import … from 'signalbox'` gives: everything a configuration file is written with.

/**
 * The zod that agents' input schemas are made with, so that a configuration needs no package of its
 * own.
 */
export { z } from 'zod'
export type { Agent, AgentContext, AgentResult } from './agents/agent.ts'
export { defineAgent } from './agents/agent.ts'
export { command } from './agents/command/command.ts'
export { deploymentPr } from './agents/deployment-pr/deployment-pr.ts'
export type { Config } from './config/config-file.ts'
export { defineConfig } from './config/config-file.ts'
export { GiveUp, RetryAt } from './lib/error.ts'
export type { Output } from './publisher/output.ts'
export { defaultRules } from './rules/define.ts'
export type { Condition, Rule } from './rules/rule.ts'
export type { Source } from './sources/source.ts'
export { standardWebhooks } from './sources/standard-webhooks/standard-webhooks.ts'
