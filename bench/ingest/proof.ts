// Before anything is measured: each server does what it says, to the row.
import { randomUUID } from 'node:crypto'
import type { Running } from './contestants.ts'
import { signedPush } from './payload.ts'

const DELIVERIES = 200

const send = async (url: string, change: Record<string, string> = {}): Promise<number> => {
  const { body, headers } = signedPush()
  const response = await fetch(url, {
    method: 'POST',
    body,
    headers: { ...headers, 'X-GitHub-Delivery': randomUUID(), ...change },
  })
  await response.arrayBuffer()
  return response.status
}

const expect = (server: Running, what: string, is: unknown, wanted: unknown): void => {
  if (is !== wanted) throw new Error(`${server.name}: ${what} ${String(is)}, expected ${String(wanted)}.`)
}

/** Throws unless the server takes 200 signed deliveries, refuses a forged one, and has stored exactly the former. */
export const prove = async (server: Running): Promise<void> => {
  const statuses = await Promise.all(Array.from({ length: DELIVERIES }, () => send(server.url)))
  expect(server, 'deliveries accepted', statuses.filter((status) => status >= 200 && status < 300).length, DELIVERIES)
  const stored = await server.stored()
  if (stored) {
    expect(server, 'events stored', stored.events, DELIVERIES)
    expect(server, 'jobs stored', stored.jobs, server.hasJobs ? DELIVERIES : 0)
  }
  await server.clear()
  const forged = await send(server.url, { 'X-Hub-Signature-256': `sha256=${'0'.repeat(64)}` })
  expect(server, 'a forged delivery was refused', forged >= 400 && forged < 500, true)
  await server.clear()
}
