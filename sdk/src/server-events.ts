// Reading server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html

/** One event. */
export type ServerEvent = { event: string; data: string }

/** Reads the events of a body; `onChunk` is called whenever anything comes. */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
  onChunk: () => void,
): AsyncGenerator<ServerEvent, void, undefined> {
  let rest = ''
  let lines: string[] = []
  const decoder = new TextDecoder()
  const reader = body.getReader()
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      onChunk()
      const parts = (rest + decoder.decode(part.value, { stream: true })).split('\n')
      rest = parts.pop() ?? ''
      for (const line of parts) {
        lines.push(line.replace(/\r$/, ''))
        if (lines.at(-1) !== '') continue
        const data = fieldOf(lines, 'data')
        if (data.length > 0) yield { event: fieldOf(lines, 'event').at(-1) ?? 'message', data: data.join('\n') }
        lines = []
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}

function fieldOf(lines: readonly string[], name: string): string[] {
  return lines
    .filter((line) => line.startsWith(`${name}:`))
    .map((line) => line.slice(name.length + 1).replace(/^ /, ''))
}
