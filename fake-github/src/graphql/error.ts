// Errors of GraphQL in GitHub's form, which are part of an answer with the status 200.
import { GraphQLError } from 'graphql'

/** An error with GitHub's type of it, such as `NOT_FOUND`. */
export function graphqlError(type: string, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { type } })
}

/** An error as GitHub shows it: with its type beside the message. */
export function errorShape({ message, path, locations, extensions }: GraphQLError) {
  return { ...(extensions.type !== undefined && { type: extensions.type }), path, locations, message }
}
