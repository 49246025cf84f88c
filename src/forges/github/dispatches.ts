// Starting GitHub Actions: https://docs.github.com/rest/repos/repos#create-a-repository-dispatch-event
// and https://docs.github.com/rest/actions/workflows#create-a-workflow-dispatch-event
import type { WriteForge } from '../forge.ts'
import type { GithubConnection } from './connection.ts'

/** See `WriteForge`. The first needs write access to contents, the second to actions. */
export function dispatches({ withClient }: GithubConnection): Pick<WriteForge, 'dispatch'> {
  return {
    dispatch: (repository, dispatch) =>
      withClient(repository, async (octokit, at) => {
        if ('eventType' in dispatch) {
          const { eventType: event_type, payload: client_payload } = dispatch
          await octokit.rest.repos.createDispatchEvent({ ...at, event_type, client_payload })
        } else {
          const { workflow: workflow_id, ref, inputs } = dispatch
          await octokit.rest.actions.createWorkflowDispatch({ ...at, workflow_id, ref, inputs })
        }
      }),
  }
}
