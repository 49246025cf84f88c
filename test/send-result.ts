// An attempt without an answer, to build others on.
import type { SendResult } from '../src/deliveries/send.ts'

export const UNANSWERED: SendResult = {
  statusCode: null,
  error: null,
  reason: null,
  retryAfter: null,
  deliveryControl: null,
  response: null,
  responseHeaders: null,
  timings: { dns: null, connect: null, tls: null, first_byte: null, total: 0 },
  peer: null,
  durationMs: 0,
}
