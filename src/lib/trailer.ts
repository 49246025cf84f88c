// What our commits say about themselves in their last lines; unlike a pull request's body, nobody
// edits these by hand.
import { encodeValue } from './marker.ts'

/** A commit's change set and its place in the series; absent in commits of others. */
export type Trailer = { key?: string; order?: number }

/** The message with git trailers (`git interpret-trailers`) that name its change set. */
export function withTrailer(message: string, { key, order }: { key: string; order?: number | undefined }): string {
  const lines = [`Signalbox-Key: ${encodeValue(key)}`]
  if (order !== undefined) lines.push(`Signalbox-Order: ${order}`)
  return `${message.trimEnd()}\n\n${lines.join('\n')}\n`
}

/** Whether a commit is of the change set with this key. */
export function isCommitOf(trailer: Trailer, key: string): boolean {
  return trailer.key === encodeValue(key)
}

/** The trailer in the message's last paragraph. */
export function readTrailer(message: string): Trailer {
  const end =
    message
      .trimEnd()
      .split(/\n{2,}/)
      .at(-1) ?? ''
  const key = /^Signalbox-Key: (\S+)$/m.exec(end)?.[1]
  const order = /^Signalbox-Order: (\S+)$/m.exec(end)?.[1]
  return { ...(key === undefined ? {} : { key }), ...(order === undefined ? {} : { order: Number(order) }) }
}
