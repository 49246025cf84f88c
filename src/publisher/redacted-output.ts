// What an agent wants written, without secrets.
import type { Redactor } from '../untrusted/redact.ts'
import type { FileChange, Output } from './output.ts'

/**
 * The output with every secret taken out of what people read: title, body and commit message. In
 * files only known values are replaced, because code has examples of tokens, which must stay.
 */
export function redactedOutput(output: Output, redactor: Redactor): Output {
  if (output.kind === 'labels') return output
  if (output.kind === 'comment') return { ...output, body: redactor.text(output.body) }
  return {
    ...output,
    title: redactor.text(output.title),
    body: redactor.text(output.body),
    commitMessage: redactor.text(output.commitMessage),
    changes: output.changes.map((change) => redactedChange(change, redactor)),
  }
}

function redactedChange(change: FileChange, redactor: Redactor): FileChange {
  if ('deleted' in change || typeof change.content !== 'string') return change
  return { ...change, content: redactor.known(change.content) }
}
