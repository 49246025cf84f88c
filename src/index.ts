// What `import … from 'signalbox'` provides: everything a configuration file is written with.

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
export type { EndpointConfig } from './endpoints/endpoint.ts'
export type { Event } from './events/event.ts'
export type { Facts } from './events/facts.ts'
export type { PullRequest } from './events/pull-request.ts'
export type { ErrorCode } from './lib/error.ts'
export { AppError, GiveUp, RetryAt } from './lib/error.ts'
export type { Globs } from './lib/glob.ts'
export type { Json, JsonObject } from './lib/json.ts'
export { parseJsonObject } from './lib/json-body.ts'
export type { Output } from './publisher/output.ts'
export { defaultRules } from './rules/define.ts'
export type { Condition, Rule } from './rules/rule.ts'
export { requireContentType, requireHeader, requireHeaderLike } from './sources/header.ts'
export type { Digests } from './sources/signature.ts'
export { requireDigest, requireToken } from './sources/signature.ts'
export type { HeaderReader, Normalised, Source } from './sources/source.ts'
export { defineSource } from './sources/source.ts'
export { standardWebhooks } from './sources/standard-webhooks/standard-webhooks.ts'
/** For agents that put untrusted text into Markdown, titles and commit messages. */
export { codeSpan, fenced, inline, plainLine } from './untrusted/inert.ts'
export { redactText } from './untrusted/redact-text.ts'
