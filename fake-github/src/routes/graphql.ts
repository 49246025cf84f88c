// The GraphQL API, at the addresses of github.com and of GitHub Enterprise Server.
import { graphql } from 'graphql'
import { z } from 'zod'
import { accountOf, canSee } from '../access.ts'
import { GithubError } from '../github-error.ts'
import { errorShape, graphqlError } from '../graphql/error.ts'
import { mutations, node } from '../graphql/mutations.ts'
import { actorNode, repositoryNode } from '../graphql/nodes.ts'
import { schema } from '../graphql/schema.ts'
import type { Call } from '../route.ts'
import { json, route } from '../route.ts'
import { repositoryKey } from '../state.ts'

const requestBody = z.object({
  query: z.string(),
  variables: z.record(z.string(), z.unknown()).nullish(),
  operationName: z.string().nullish(),
})

/** https://docs.github.com/en/graphql */
export const graphqlRoutes = ['/graphql', '/api/graphql'].map((path) => route('POST', path, answer))

async function answer(call: Call) {
  const { hub, credentials } = call
  const account = accountOf(credentials)
  if (!account || credentials.kind === 'app')
    throw new GithubError(401, 'This endpoint requires you to be authenticated.')
  const body = requestBody.safeParse(call.body)
  if (!body.success) throw new GithubError(400, 'A query attribute must be specified and must be a string.')
  const { data, errors } = await graphql({
    schema,
    source: body.data.query,
    variableValues: body.data.variables ?? null,
    operationName: body.data.operationName ?? null,
    rootValue: {
      viewer: () => ({ ...actorNode(hub, account), __typename: 'User', login: account.login }),
      repository: ({ owner, name }: { owner: string; name: string }) => {
        const repo = hub.state.repositories.get(repositoryKey(owner, name))
        if (repo && canSee(credentials, repo)) return repositoryNode({ hub, repo, viewer: account })
        throw graphqlError('NOT_FOUND', `Could not resolve to a Repository with the name '${owner}/${name}'.`)
      },
      node: ({ id }: { id: string }) => node({ hub, credentials, account }, id),
      ...mutations({ hub, credentials, account }),
    },
  })
  return json({ ...(data !== undefined && { data }), ...(errors && { errors: errors.map(errorShape) }) })
}
