// Finds secrets that a change commits. What it says of one never has the secret in it.
import type { Diff, DiffFile } from '../../../diffs/diff.ts'
import { isLockFile } from '../../../lib/lock-files.ts'
import { TOKEN_FORMS } from '../../../untrusted/secret-forms.ts'
import { secrecyOf } from '../../../untrusted/secret-name.ts'
import { isMadeSecret, isPlaceholder, isReference } from './made-value.ts'
import { extensionOf, isDocument, isTestPath } from './paths.ts'
import type { AddedLine, Head, Remark, Reviewer } from './reviewer.ts'
import { newLines, quoted, remarkAt, removedTexts } from './reviewer.ts'

const REMEDY =
  'Revoke it first, because it stays readable in the history after the line is gone. Then read it from the environment or a secret store.'

const MIN_LINE_CHARS = 14

// Keys that are meant to be seen, keys of a vendor's test system, and ids.
const PUBLIC_TOKEN = /^(?:pk[-_]|pubkey-|sb_publishable_|[sr]k_test_|AC[0-9a-f]{32}$)/
// Tokens that are often public or short-lived; a person decides.
const DOUBTFUL = new Set(['JSON Web Token', 'Google', 'Twilio', 'Telegram', 'Azure'])

// Not the last step of a path: a table of files has hashes as its values.
const NAME = String.raw`(?<![\w./-])(?<name>[A-Za-z_][\w.-]{0,80})`
const FILE_NAME = /\.(?:[cm]?[jt]sx?|py|go|rs|rb|java|json|md|ya?ml|sql|css|html|sh|pem)$/
const TYPE = String.raw`(?:\s?:\s?[A-Za-z]{1,20})?`
const QUOTED = new RegExp(
  `${NAME}["']?\\]?${TYPE}\\s{0,3}(?::=|=>|[:=])\\s{0,3}(?<quote>["'\`])(?<value>[^"'\`\\s]{8,300})\\k<quote>`,
  'g',
)
const SETTING = new RegExp(
  String.raw`^\s{0,40}(?:export |ENV |- )?${NAME}\s{0,3}[:=]\s{0,3}(?<value>[^\s"'#]{8,300})\s{0,10}(?:#.*)?$`,
  'g',
)
// Files in which a value stands without quotes.
const SETTING_FILE =
  /(?:^|\/)(?:\.env[\w.-]{0,40}|[^/]{1,100}\.(?:env|properties|ini|cfg|conf|ya?ml|sh)|Dockerfile[^/]{0,40})$/i
const CONNECTION =
  /\b[a-z][a-z0-9+.-]{1,20}:\/\/(?<user>[^\s:/@'"]{0,100}):(?<value>[^\s/@'"]{3,200})@(?<host>[\w.-]{1,200})/gi
const LOCAL_HOST =
  /^(?:[^.]+|127\..*|0\.0\.0\.0|.*\.(?:local|localhost|test|example|invalid)|(?:.*\.)?example\.(?:com|org|net))$/i
const WEAK = /^(?:pass(?:word|wd)?|secret|admin|root|user|postgres|mysql|guest|dev|local|\*+)\d{0,4}$/i

const KEY_BEGIN = /-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----/
// The first line of it, in a file of its own, in a string of several lines, or of one.
const KEY_BODY = /^(?:\\n|[\s"'`])*[A-Za-z0-9+/]{40,}(?:=|\\|[\s"'`+,;)]|$)/
const KEY_STORE = /\.(?:p12|pfx|jks|keystore|ppk|kdbx)$/i

/** The reviewer of secrets. */
export const secrets: Reviewer = { name: 'secrets', review }

async function review({ files }: Diff, head: Head): Promise<Remark[]> {
  const before = new Set(files.flatMap(removedTexts).flatMap((text) => [...tokensIn(text).map(({ token }) => token)]))
  const read = files.filter(({ path, status }) => status !== 'deleted' && isRead(path))
  const found = await Promise.all(
    read.map(async (file) => {
      const lines = await newLines(file, head, isRead)
      // The same secret is said once for each file.
      const seen = new Set(before)
      return [...privateKeys(file, lines), ...lines.flatMap((line) => secretsAt(file, line, seen))]
    }),
  )
  return found.flat()
}

function isRead(path: string): boolean {
  return !isTestPath(path) && !isLockFile(path)
}

/** One finding for a line: a token by its form, else by the name that it stands under. */
function secretsAt({ path }: DiffFile, { line, text }: AddedLine, seen: Set<string>): Remark[] {
  if (text.length < MIN_LINE_CHARS || !/\d/.test(text)) return []
  const token = tokensIn(text).find((each) => !seen.has(each.token))
  if (token !== undefined) {
    const { vendor } = token
    seen.add(token.token)
    return [
      remarkAt(path, line, {
        category: 'secret',
        severity: 'high',
        confidence: DOUBTFUL.has(vendor) ? 0.6 : 0.95,
        title: `A secret is committed (${vendor})`,
        body: `The line has what has the form of a secret of this kind: ${vendor}. ${REMEDY}`,
      }),
    ]
  }
  const name = namedSecretIn(path, text)
  if (name === null) return []
  const title =
    name === 'connection'
      ? 'A connection string with a password is committed'
      : `A secret is committed as ${quoted(name)}`
  const body = `The line gives it a value that looks real. ${REMEDY} If it is none, say so in its name or use a value such as \`changeme\`.`
  return [remarkAt(path, line, { category: 'secret', severity: 'high', confidence: 0.8, title, body })]
}

/** What has the form of a vendor's token, and does not only stand for one. */
function tokensIn(text: string): { vendor: string; token: string }[] {
  // Nearly all lines end here: each of the forms is one more look at the line.
  if (text.length < MIN_LINE_CHARS || !/\d/.test(text)) return []
  return TOKEN_FORMS.filter(({ vendor }) => vendor !== 'private key').flatMap(({ vendor, pattern }) =>
    [...text.matchAll(pattern)]
      .map(([token]) => ({ vendor, token }))
      .filter(({ token }) => !PUBLIC_TOKEN.test(token) && !isPlaceholder(token)),
  )
}

/** The name of a setting whose value is a secret; null where no value is one. */
function namedSecretIn(path: string, text: string): string | null {
  // What documents show of settings is made up.
  if (isDocument(path)) return null
  for (const { groups: { user = '', value = '', host = '' } = {} } of text.matchAll(CONNECTION)) {
    const isReal = !LOCAL_HOST.test(host) && !WEAK.test(value) && value !== user
    if (
      isReal &&
      /\d/.test(value) &&
      !isReference(value) &&
      !/example|change.?me|placeholder|your|xxx|\*\*/i.test(value)
    )
      return 'connection'
  }
  const patterns = SETTING_FILE.test(path) ? [QUOTED, SETTING] : [QUOTED]
  for (const { groups: { name = '', value = '' } = {} } of patterns.flatMap((each) => [...text.matchAll(each)])) {
    const secrecy = secrecyOf(name)
    if ((secrecy === 'all' || secrecy === 'token') && !FILE_NAME.test(name) && isMadeSecret(value)) return name
  }
  return null
}

function privateKeys({ path, status }: DiffFile, lines: readonly AddedLine[]): Remark[] {
  const rest = { category: 'private-key', severity: 'high' as const, confidence: 0.95 }
  const title = 'A private key is committed'
  const found = lines.filter(({ line, text }, at) => {
    if (!KEY_BEGIN.test(text) || /\bENCRYPTED\b/.test(text)) return false
    const below = lines.slice(at + 1, at + 4).filter((each) => each.line <= line + 3)
    // Documents show the first line with dots below it.
    return [text.split(KEY_BEGIN).at(-1) ?? '', ...below.map((each) => each.text)].some(
      (body) => KEY_BODY.test(body) && !/(.)\1{9}/.test(body),
    )
  })
  const body = `Whoever reads the repository has this key. ${REMEDY}`
  const texts = found.map(({ line }) => remarkAt(path, line, { ...rest, title, body }))
  if (status !== 'added' || !KEY_STORE.test(path) || /debug\.keystore$/.test(path)) return texts
  const store = `A file of this kind (.${extensionOf(path)}) keeps private keys or passwords. ${REMEDY}`
  return [...texts, remarkAt(path, null, { ...rest, confidence: 0.8, title: 'A key store is committed', body: store })]
}
