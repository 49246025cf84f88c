// The part of GitHub's GraphQL schema that the fake has, in GitHub's own names.
import { buildSchema } from 'graphql'

function connection(name: string): string {
  return `
    type ${name}Connection { nodes: [${name}] edges: [${name}Edge] pageInfo: PageInfo! totalCount: Int! }
    type ${name}Edge { cursor: String! node: ${name} }`
}

const PAGE = '(first: Int, after: String, last: Int, before: String)'

/** A mutation with its input and payload; fields are in the language of schemas. */
function mutation(name: string, input: string, payload: string): string {
  return `
    input ${name}Input { ${input} clientMutationId: String }
    type ${name}Payload { ${payload} clientMutationId: String }
    extend type Mutation { ${name.charAt(0).toLowerCase()}${name.slice(1)}(input: ${name}Input!): ${name}Payload }`
}

/** https://docs.github.com/en/graphql/reference */
export const schema = buildSchema(`
  scalar DateTime
  scalar URI
  scalar GitObjectID
  interface Node { id: ID! }
  interface Actor { login: String! url: URI! }
  interface Minimizable { isMinimized: Boolean! minimizedReason: String }
  enum DiffSide { LEFT RIGHT }
  enum PullRequestState { OPEN CLOSED MERGED }
  enum PullRequestMergeMethod { MERGE SQUASH REBASE }
  enum ReactionContent { THUMBS_UP THUMBS_DOWN LAUGH HOORAY CONFUSED HEART ROCKET EYES }
  enum ReportedContentClassifiers { SPAM ABUSE OFF_TOPIC OUTDATED DUPLICATE RESOLVED LOW_QUALITY }
  type PageInfo { endCursor: String startCursor: String hasNextPage: Boolean! hasPreviousPage: Boolean! }

  type Query {
    viewer: User!
    node(id: ID!): Node
    repository(owner: String!, name: String!, followRenames: Boolean = true): Repository
  }
  type Mutation

  type User implements Node & Actor { id: ID! login: String! url: URI! databaseId: Int }
  type Bot implements Node & Actor { id: ID! login: String! url: URI! databaseId: Int }
  type Organization implements Node & Actor { id: ID! login: String! url: URI! databaseId: Int }

  type Repository implements Node {
    id: ID! databaseId: Int name: String! nameWithOwner: String! url: URI! isPrivate: Boolean!
    pullRequest(number: Int!): PullRequest
  }
  type PullRequest implements Node {
    id: ID! number: Int! title: String! body: String! state: PullRequestState! isDraft: Boolean! merged: Boolean!
    url: URI! author: Actor headRefName: String! headRefOid: GitObjectID! baseRefName: String! baseRefOid: GitObjectID!
    autoMergeRequest: AutoMergeRequest
    comments${PAGE}: IssueCommentConnection!
    reviewThreads${PAGE}: PullRequestReviewThreadConnection!
  }
  type AutoMergeRequest {
    enabledBy: Actor mergeMethod: PullRequestMergeMethod! commitHeadline: String commitBody: String
  }
  type PullRequestReviewThread implements Node {
    id: ID! isResolved: Boolean! isOutdated: Boolean! resolvedBy: User path: String!
    line: Int originalLine: Int startLine: Int originalStartLine: Int diffSide: DiffSide! startDiffSide: DiffSide
    pullRequest: PullRequest!
    comments${PAGE}: PullRequestReviewCommentConnection!
  }
  type PullRequestReviewComment implements Node & Minimizable {
    id: ID! databaseId: Int body: String! author: Actor url: URI! path: String! diffHunk: String! createdAt: DateTime!
    isMinimized: Boolean! minimizedReason: String viewerDidAuthor: Boolean!
    reactions${PAGE}: ReactionConnection!
  }
  type Reaction implements Node { id: ID! databaseId: Int content: ReactionContent! createdAt: DateTime! user: User }
  type IssueComment implements Node & Minimizable {
    id: ID! databaseId: Int body: String! author: Actor url: URI! createdAt: DateTime!
    isMinimized: Boolean! minimizedReason: String viewerDidAuthor: Boolean!
  }
  ${['IssueComment', 'PullRequestReviewThread', 'PullRequestReviewComment', 'Reaction'].map(connection).join('')}
  ${mutation(
    'AddPullRequestReviewThreadReply',
    'pullRequestReviewThreadId: ID! body: String!',
    'comment: PullRequestReviewComment',
  )}
  ${mutation('ResolveReviewThread', 'threadId: ID!', 'thread: PullRequestReviewThread')}
  ${mutation('UnresolveReviewThread', 'threadId: ID!', 'thread: PullRequestReviewThread')}
  ${mutation('MinimizeComment', 'subjectId: ID! classifier: ReportedContentClassifiers!', 'minimizedComment: Minimizable')}
  ${mutation('UnminimizeComment', 'subjectId: ID!', 'unminimizedComment: Minimizable')}
  ${mutation('ConvertPullRequestToDraft', 'pullRequestId: ID!', 'pullRequest: PullRequest')}
  ${mutation('MarkPullRequestReadyForReview', 'pullRequestId: ID!', 'pullRequest: PullRequest')}
  ${mutation(
    'EnablePullRequestAutoMerge',
    'pullRequestId: ID! mergeMethod: PullRequestMergeMethod = MERGE commitHeadline: String commitBody: String expectedHeadOid: GitObjectID',
    'pullRequest: PullRequest',
  )}
  ${mutation('DisablePullRequestAutoMerge', 'pullRequestId: ID!', 'pullRequest: PullRequest')}
`)
