// Whether a text is a secret that a machine or a careful person made, or only stands for one.

const PLACEHOLDER =
  /example|sample|placeholder|dummy|fake|change.?me|replace|insert|redacted|xxx|your[-_. ]|todo|secret.?here|test|0123456|1234567|abcdef(?!\d)|deadbeef|(.)\1{5}/i
// What refers to a secret that is kept elsewhere, or is computed from one.
const REFERENCE =
  /^(?:[$<{[%@(]|\\|(?:https?|vault|op|sm|ssm|arn|kms|awskms|gcp|azure|file|env|secretref|projects|data):?\/?|ENC\[|\{|sha\d+[-:]|\$2[aby]\$|process\.|os\.|env\.|secrets\.|config\.|import\.|self\.|this\.)/i
const CODE = /^[A-Za-z_][\w$]*(?:(?:\.|::|->)[A-Za-z_][\w$]*)+(?:\(|$)|[()]|\$\{|\{\{/
const VARIABLE = /^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$/
const FILE_PATH = /^(?:~|\.{0,2}\/)|\/[\w.-]{1,60}\.[a-z]{1,6}$/i
// Words with separators: `shop-staging-db-password-2024`.
const WORDS = /^(?:[A-Za-z]{2,60}\d{0,4}|\d{1,4})(?:[-_.:/ ](?:[A-Za-z]{2,60}\d{0,4}|v?\d{1,4}))*$/
const CLASSES = [/[a-z]/, /[A-Z]/, /\d/, /[^A-Za-z0-9]/]

const MIN_MADE_CHARS = 16
const MIN_MADE_BITS = 3.2
const MIN_PASSWORD_CHARS = 10
const MIN_TOKEN_BITS = 3

/** Whether it only stands for a secret: an example, a reference, or nothing but words. */
export function isPlaceholder(value: string): boolean {
  return PLACEHOLDER.test(value) || WORDS.test(value) || entropyOf(value) < MIN_TOKEN_BITS
}

/** Whether a literal under the name of a secret is one, as far as its looks say. */
export function isMadeSecret(value: string): boolean {
  if (isReference(value) || isPlaceholder(value)) return false
  if (value.length >= MIN_MADE_CHARS) return /\d/.test(value) && entropyOf(value) >= MIN_MADE_BITS
  return value.length >= MIN_PASSWORD_CHARS && CLASSES.filter((each) => each.test(value)).length >= 3
}

/** Whether it says where a secret is, and is none. */
export function isReference(value: string): boolean {
  return REFERENCE.test(value) || CODE.test(value) || VARIABLE.test(value) || FILE_PATH.test(value)
}

/** Shannon's entropy of its characters, in bits for each. */
function entropyOf(value: string): number {
  const counts = new Map<string, number>()
  for (const char of value) counts.set(char, (counts.get(char) ?? 0) + 1)
  const shares = [...counts.values()].map((count) => count / value.length)
  return -shares.reduce((sum, share) => sum + share * Math.log2(share), 0)
}
