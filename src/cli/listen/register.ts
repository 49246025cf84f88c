// The endpoint that `signalbox listen --register` has for as long as it listens.
import type { SignalboxClient } from '@signalbox/sdk'
import type { Terminal } from '../terminal.ts'

/** An endpoint that was made for a listener. */
export type Registration = { id: string; remove(): Promise<void> }

/** Makes an endpoint for the address of a listener, which is deleted with its deliveries. */
export async function register(
  terminal: Pick<Terminal, 'err'>,
  client: SignalboxClient,
  { url, secret, events }: { url: string; secret: string; events: string[] },
): Promise<Registration> {
  const name = `signalbox listen ${new URL(url).port} (process ${process.pid})`
  const { id } = await client.endpoints.create({ url, name, secret, events, environments: null })
  return {
    id,
    async remove() {
      try {
        await client.endpoints.remove(id, { force: true })
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error)
        terminal.err(`signalbox: the endpoint ${id} was not deleted: ${why}\n`)
      }
    },
  }
}
