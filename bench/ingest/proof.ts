// Before anything is measured: each server does what it says, to the row.
import { randomUUID } from 'node:crypto'
import type { Running } from './contestants.ts'
import type { SignedPush } from './payload.ts'
import { signedPushes } from './payload.ts'

const DELIVERIES = 200
const pushes = signedPushes(DELIVERIES)

/**
 * @throws Error unless the server takes 200 signed deliveries, refuses a forged one, and has stored
 * exactly the former
 */
export async function prove(server: Running): Promise<void> {
  const statuses = await Promise.all(pushes.map((push) => send(server.url, push)))
  expect(server, 'deliveries accepted', statuses.filter((status) => status >= 200 && status < 300).length, DELIVERIES)
  const stored = await server.stored()
  if (stored) {
    expect(server, 'events stored', stored.events, DELIVERIES)
    expect(server, 'jobs stored', stored.jobs, server.hasJobs ? DELIVERIES : 0)
  }
  await server.clear()
  const [push] = pushes
  const forgery = { 'X-Hub-Signature-256': `sha256=${'0'.repeat(64)}` }
  const forged = push ? await send(server.url, { ...push, headers: { ...push.headers, ...forgery } }) : 0
  expect(server, 'a forged delivery was refused', forged >= 400 && forged < 500, true)
  await server.clear()
}

async function send(url: string, { body, headers }: SignedPush): Promise<number> {
  const response = await fetch(url, {
    method: 'POST',
    body: new Uint8Array(body),
    headers: { ...headers, 'X-GitHub-Delivery': randomUUID() },
  })
  await response.arrayBuffer()
  return response.status
}

function expect(server: Running, what: string, is: unknown, wanted: unknown): void {
  if (is !== wanted) throw new Error(`${server.name}: ${what} ${String(is)}, expected ${String(wanted)}.`)
}
