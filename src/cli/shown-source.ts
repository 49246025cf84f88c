// A source of this process as the command line shows it.
import type { Source } from '../sources/source.ts'
import { sourceRow } from '../sources/wire.ts'
import type { ShownSource } from './source-hint.ts'
import { withHint } from './source-hint.ts'

/** What can be shown of a source. */
export function shownSource(source: Pick<Source, 'name' | 'secrets'>): ShownSource {
  return withHint(sourceRow(source))
}
