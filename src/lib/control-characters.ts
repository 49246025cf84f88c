// Characters that do something to a terminal and show nothing.

/**
 * Control characters and direction marks: in untrusted text they could move the cursor, or show
 * other words than there are. Line breaks and tabs are not among them.
 */
export const CONTROLS =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g
