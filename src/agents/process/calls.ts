// Calls between two processes, in both directions over one channel: arguments and results are
// copied, and what is thrown is thrown again at the caller.
import { z } from 'zod'
import { fromThrown, toThrown } from './thrown.ts'

const MESSAGE = z.union([
  z.strictObject({ call: z.number().nullable(), name: z.string(), args: z.array(z.unknown()) }),
  z.strictObject({ answer: z.number(), value: z.unknown() }),
  z.strictObject({ answer: z.number(), thrown: z.unknown() }),
])

type Message = z.infer<typeof MESSAGE>

/** What the other side may call, by name. */
export type Handlers = Record<string, (...args: never[]) => unknown>

/** One side's end of the channel. */
export type Calls = {
  /**
   * Calls a handler of the other side.
   * @throws what the handler threw; the reason of `close`; or why an argument cannot be copied.
   */
  call(name: string, ...args: unknown[]): Promise<unknown>
  /** The same without an answer. */
  notify(name: string, ...args: unknown[]): void
  /** How many calls have no answer yet. */
  pending(): number
  /**
   * Gives it what came over the channel; returns whether it was such a message. Never throws:
   * agents can send anything.
   */
  receive(message: unknown): boolean
  /** Rejects what has no answer, and every call from now on. */
  close(reason: Error): void
}

/** Opens one end. `send` throws for what cannot be copied, and ignores that the other is gone. */
export function openCalls(send: (message: Message) => void, handlers: Handlers): Calls {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  let last = 0
  let closed: Error | null = null

  const answer = async (id: number | null, name: string, args: unknown[]): Promise<void> => {
    try {
      const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined
      const value = await handler?.(...(args as never[]))
      if (id !== null) send({ answer: id, value })
    } catch (error) {
      if (id !== null) send({ answer: id, thrown: toThrown(error) })
    }
  }
  return {
    async call(name, ...args) {
      if (closed !== null) throw closed
      const id = ++last
      send({ call: id, name, args })
      const promise = Promise.withResolvers<unknown>()
      waiting.set(id, promise)
      return promise.promise
    },
    notify: (name, ...args) => send({ call: null, name, args }),
    pending: () => waiting.size,
    receive(received) {
      const { data: message } = MESSAGE.safeParse(received)
      if (message === undefined) return false
      if ('call' in message) {
        void answer(message.call, message.name, message.args)
        return true
      }
      const promise = waiting.get(message.answer)
      waiting.delete(message.answer)
      if ('thrown' in message) promise?.reject(fromThrown(message.thrown))
      else promise?.resolve(message.value)
      return true
    },
    close(reason) {
      closed ??= reason
      for (const { reject } of waiting.values()) reject(reason)
      waiting.clear()
    },
  }
}
