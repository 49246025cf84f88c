// A deployment that is not begun, for a reason that people read. It is no failure of the job: a
// rule is not paused because somebody asked three times for what there is not.

/** Thrown with the sentence. */
export class Refused extends Error {}
