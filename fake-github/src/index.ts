// A GitHub for tests and the demo: strict REST over real git repositories, smart HTTP and real
// signed webhooks.
export type { AppHandle, AppOptions } from './app-handle.ts'
export type { Exchange } from './exchange.ts'
export type { FakeGithub, FakeGithubOptions, RepositoryOptions, TokenOptions } from './fake-github.ts'
export { openFakeGithub } from './fake-github.ts'
export type {
  FaultHandle,
  FaultKind,
  FaultRequest,
  Faults,
  RestFault,
  WebhookFault,
  WebhookFaultHandle,
} from './faults.ts'
export type { OrganizationHandle, OrganizationOptions, TeamHandle, TeamOptions } from './organization-handle.ts'
export type {
  CommentShape,
  CommitOptions,
  IssueShape,
  PullShape,
  ReleaseShape,
  RepositoryHandle,
  WebhookOptions,
} from './repository-handle.ts'
export type { Delivery, Hook, Permissions, Role } from './state.ts'
