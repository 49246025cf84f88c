// What is known outside of the service: what was sent to it and answered, what it was asked for,
// and what it sent. One file, which the checker reads.

/** What a job leaves at GitHub. */
export type Effect = 'comment' | 'pull request'

/** One record of the log. */
export type Sent = { at: number } & (
  | {
      /** A webhook is about to be sent for the first time, and this is to follow from it. */
      what: 'webhook'
      delivery: string
      jobs: readonly { rule: string; effect: Effect | null }[]
    }
  | {
      /** An attempt to send it is over. `guid` is its delivery id, `event` what was answered. */
      what: 'answer'
      delivery: string
      guid: string
      status: number | null
      event: string | null
      /** Why there was no answer. */
      error?: string
    }
  | {
      /** A person has asked for a job to be cancelled. */
      what: 'cancel'
      job: string
      next: 'for good' | 'to be retried'
    }
  | {
      /** An endpoint, and the types of the events that it wants. */
      what: 'endpoint'
      name: string
      types: readonly string[]
    }
  | {
      /** Something was delivered to an endpoint: its `webhook-id`, and a hash of its bytes. */
      what: 'received'
      id: string
      sha256: string
      status: number
    }
)
