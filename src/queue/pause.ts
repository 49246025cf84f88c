// How a pause of everything stops claims: by a row of `signalbox.pauses`, whoever inserted it.

/**
 * Whether anything may be begun, asked once in a claim, which then begins nothing after a pause
 * that is committed before it.
 */
export const MAY_BEGIN = '(select signalbox.may_begin())'

/** The same for those that only look when there will be something to claim. */
export const NOT_PAUSED = `not exists (select from signalbox.pauses where kind = 'everything')`
