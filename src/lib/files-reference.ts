// What stands in a text for the address of the files at a pull request's commit, until that commit
// is made: a link to a branch would end with the branch.

/** Replaced by the publisher; text from outside that was made inert cannot have it. */
export const FILES_REFERENCE = '{{outputs.this.files}}'
