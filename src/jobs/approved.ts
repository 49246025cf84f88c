// What was approved with an approval's `outputs`: after that, nothing else is written.
import { GiveUp } from '../lib/error.ts'
import type { Output } from '../publisher/output.ts'
import { hashOf } from './approval.ts'

/** The approved outputs of one attempt. */
export type ApprovedOutputs = {
  add(name: string, outputs: readonly Output[]): void
  /**
   * Of outputs that are published before the agent returns, and of those for the case that it does
   * not.
   * @throws GiveUp when one of them is not among those that were approved.
   */
  requireAmong(outputs: readonly Output[]): void
  /**
   * Of what the agent returned: all that was approved, where what was published may be missing.
   * @throws GiveUp when other outputs were approved than these.
   */
  requireAll(outputs: readonly Output[]): void
}

/** None so far: anything is allowed. */
export function approvedOutputs(): ApprovedOutputs {
  const approved: { name: string; hashes: string[] }[] = []
  const published = new Set<string>()
  const refuse = (did: string) =>
    new GiveUp(`The agent ${did} other outputs than were approved ("${approved[0]?.name}"); none is written.`)
  return {
    add: (name, outputs) => void approved.push({ name, hashes: hashesOf(outputs) }),
    requireAmong(outputs) {
      if (approved.length === 0) return
      const hashes = hashesOf(outputs)
      if (!hashes.every((hash) => approved.some((one) => one.hashes.includes(hash)))) throw refuse('published')
      for (const hash of hashes) published.add(hash)
    },
    requireAll(outputs) {
      if (approved.length === 0) return
      const given = String(hashesOf(outputs))
      const isApproved = ({ hashes }: { hashes: string[] }) =>
        given === String(hashes) || given === String(hashes.filter((hash) => !published.has(hash)))
      if (!approved.some(isApproved)) throw refuse('returned')
    },
  }
}

function hashesOf(outputs: readonly Output[]): string[] {
  return outputs.map((output) => hashOf([output]))
}
