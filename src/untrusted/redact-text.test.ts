// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references in settings look like this
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { REDACTED, redactText } from './redact-text.ts'
import { TOKEN_FORMS } from './secret-forms.ts'

const LONG = 'aB3dE5gH7jK9mN1pQ3sT5vW7xZ9bC1dE3fG5hJ7'

// Made of parts, so that no scanner takes these for real ones.
const HEX = '0123456789abcdef'.repeat(4)
const UPPER = 'ABCD1234EFGH5678'.repeat(4)
const VECTORS: Record<string, string[]> = {
  '1Password': [`ops_eyJ${LONG}`],
  Adobe: [`p8e-${HEX.slice(0, 32)}`],
  age: [`AGE-SECRET-KEY-1${UPPER.slice(0, 58)}`],
  Airtable: [`pat${LONG.slice(0, 14)}.${HEX}`],
  Atlassian: [`ATATT3${LONG}`, `ATCTT3${LONG}`, `ATBB${LONG}`],
  AWS: [`AKIA${UPPER.slice(0, 16)}`, `ASIA${UPPER.slice(0, 16)}`],
  Azure: [`aB3${'8Q'}~${LONG.slice(0, 34)}`],
  Cloudflare: [`cfut_${LONG}`, `cfat_${LONG}`],
  Databricks: [`dapi${HEX.slice(0, 32)}`],
  DigitalOcean: [`dop_v1_${HEX}`, `dor_v1_${HEX}`],
  Discord: [`M${LONG.slice(0, 23)}.${LONG.slice(0, 6)}.${LONG.slice(0, 38)}`],
  Docker: [`dckr_pat_${LONG}`],
  Doppler: [`dp.pt.${LONG}`],
  Figma: [`figd_${LONG}`],
  'Fly.io': [`fo1_${LONG}`, `fm2_${LONG}`],
  GitHub: [...['ghp', 'gho', 'ghu', 'ghs', 'ghr'].map((kind) => `${kind}_${LONG}`), `github_pat_11ABC_${LONG}`],
  GitLab: [`glpat-${LONG}`, `glrt-${LONG}`],
  Google: [`AIza${LONG.slice(0, 35)}`, `GOCSPX-${LONG}`],
  'Google OAuth': [`ya29.${LONG}`],
  Grafana: [`glsa_${LONG.slice(0, 32)}_${HEX.slice(0, 8)}`, `glc_${LONG}`],
  Groq: [`gsk_${LONG}`],
  'HashiCorp Terraform': [`${LONG.slice(0, 14)}.atlasv1.${LONG}`],
  'HashiCorp Vault': [`hvs.${LONG}`],
  Heroku: [`HRKU-${LONG}`],
  'Hugging Face': [`hf_${LONG}`],
  Jina: [`jina_${LONG}`],
  LangSmith: [`lsv2_pt_${LONG}`],
  Linear: [`lin_api_${LONG}`],
  Mailgun: [`key-${HEX.slice(0, 32)}`],
  Netlify: [`nfp_${LONG}`],
  'New Relic': [`NRAK-${UPPER.slice(0, 27)}`],
  Notion: [`ntn_${LONG}`, `secret_${LONG}abcd`],
  npm: [`npm_${LONG}`],
  NVIDIA: [`nvapi-${LONG}`],
  'OpenAI, Stripe': [
    ...['sk-', 'sk-proj-', 'sk-ant-api03-', 'sk-or-v1-', 'pk-lf-', 'sk_live_', 'rk_test_'].map((start) => start + LONG),
  ],
  Perplexity: [`pplx-${LONG}`],
  Pinecone: [`pcsk_${LONG}`],
  PlanetScale: [`pscale_tkn_${LONG}`],
  Postman: [`PMAK-${HEX.slice(0, 24)}-${HEX.slice(0, 34)}`],
  PyPI: [`pypi-AgEIcHlwaS5vcmc${LONG}`],
  Replicate: [`r8_${LONG}`],
  RubyGems: [`rubygems_${HEX.slice(0, 48)}`],
  SendGrid: [`SG.${LONG}.${LONG}`],
  Sentry: [`sntrys_${LONG}`],
  Shopify: [`shpat_${HEX.slice(0, 32)}`],
  Slack: [`xoxp-1234567890-${LONG}`, `xoxe.xoxp-1-${LONG}`, `xapp-1-${LONG}`],
  Square: [`sq0atp-${LONG}`],
  'Standard Webhooks': [`whsec_${LONG}=`, `whsk_${LONG}=`],
  Supabase: [`sbp_${HEX.slice(0, 40)}`, `sb_secret_${LONG}`],
  Tailscale: [`tskey-auth-${LONG}-${LONG}`],
  Tavily: [`tvly-${LONG}`],
  Telegram: [`1234567890:${LONG.slice(0, 35)}`],
  Together: [`tgp_v1_${LONG}`],
  Twilio: [`SK${HEX.slice(0, 32)}`],
  Vercel: [`vcp_${LONG}`],
  xAI: [`xai-${LONG}`],
  'JSON Web Token': [`eyJ${LONG}.${LONG}.${LONG}`],
  'private key': [
    `-----BEGIN OPENSSH PRIVATE KEY-----\n${LONG}\n-----END OPENSSH PRIVATE KEY-----`,
    `-----BEGIN PGP PRIVATE KEY BLOCK-----\n${LONG}\n-----END PGP PRIVATE KEY BLOCK-----`,
  ],
}
const TOKENS = Object.entries(VECTORS).flatMap(([vendor, tokens]) => tokens.map((token) => [vendor, token] as const))

test('every form in the table finds its vectors, whole', () => {
  expect(TOKEN_FORMS.map(({ vendor }) => vendor).toSorted()).toEqual(Object.keys(VECTORS).toSorted())
  for (const { vendor, pattern } of TOKEN_FORMS) {
    for (const token of VECTORS[vendor] ?? []) expect(token.replace(pattern, ''), `${vendor}: ${token}`).toBe('')
  }
})

test.each(TOKENS)('the token of %s is taken out, and nothing around it', (_, token) => {
  expect(redactText(`before ${token} after`)).toBe(`before ${REDACTED} after`)
  expect(redactText(`"${token}", "${token}"`)).toBe(`"${REDACTED}", "${REDACTED}"`)
  expect(redactText(`line\n${token}`)).toBe(`line\n${REDACTED}`)
})

test('a token stands by itself: the end of a longer word is not one', () => {
  for (const token of [`ghp_${LONG}`, `AKIA${'ABCD1234'.repeat(2)}`, `hf_${LONG}`])
    expect(redactText(`x${token}`)).toBe(`x${token}`)
})

test.each([
  'gpt-4o-mini-2024-07-18',
  'claude-sonnet-4-20250514',
  'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  '550e8400-e29b-41d4-a716-446655440000',
  'https://example.org/a/b?page=2&sort=asc',
  'mailto:jane@company.com',
  'task-force-one-two-three-four-five',
  'The password must have at least 12 characters, the token may be empty.',
  'Bearer authentication is described below.',
  'max_tokens=4096; top_p=0.9',
  'max_tokens: 4096, max_tokens = 4096, token_count = 12, tokens: 4096',
  'tokenizer: cl100k_base, tiktoken: cl100k_base, secretary = Jane2000',
  'Reset the password = a link by mail; a password: at least 12 characters, one digit.',
  'stopToken: "User1:", eosToken=<end_1>, firstPass: gpt-4o-mini, <token>word_1 <password>',
  'First pass: gpt-4o-mini. Second-pass: gpt-4o-mini.',
  'The primary key = user_id1, the cache key: answers_v2, sort_key=name_1',
  'https://x.example/?key=user42&author=jane2000',
  'ssh://git@github.com/a/b, https://jane2000@example.org/, docker run -u 1000:1000 -u node:node',
  'Authorization: OAuth2.0 is described below, --token is an option, --password-file /run/secret1',
  'api_key = os.environ["OPENAI_KEY"]; password = ${DB_PASSWORD_2}; --password {{password_2}}',
  '2025-11-20T10:30:00Z',
  '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
])('%j has no secret', (text) => expect(redactText(text)).toBe(text))

test.each([
  ['authorization: token abc123', 'authorization: token [redacted]'],
  ['"Authorization": "ApiKey abcd"', '"Authorization": "ApiKey [redacted]"'],
  [`curl -H 'Bearer ${LONG}'`, "curl -H 'Bearer [redacted]'"],
  ['mysql://root:s3cret@db:3306/app', 'mysql://root:[redacted]@db:3306/app'],
  ['https://user:pass@example.org', 'https://user:[redacted]@example.org'],
  [`https://discord.com/api/webhooks/123/${LONG}`, 'https://discord.com/api/webhooks/123/[redacted]'],
  ['https://hooks.slack.com/workflows/T000/B000/x1', 'https://hooks.slack.com/workflows/[redacted]'],
  ['SharedAccessKey=abc==;EntityPath=x', 'SharedAccessKey=[redacted];EntityPath=x'],
  ['client_secret=abc&grant_type=x', 'client_secret=[redacted]&grant_type=x'],
  ['pwd="let me in"', 'pwd="[redacted] me in"'],
  ['access_token: abc123', 'access_token: [redacted]'],
  ['refreshToken=abc123', 'refreshToken=[redacted]'],
  ['session-token = abc123', 'session-token = [redacted]'],
  ['password = zQ7rT9', 'password = [redacted]'],
  ['password := "zQ7rT9"', 'password := "[redacted]"'],
  ['environ["API_KEY"] = "zQ7rT9"', 'environ["API_KEY"] = "[redacted]"'],
  ['PGPASSWORD=hunter psql', 'PGPASSWORD=[redacted] psql'],
  ['dbPassword: zQ7rT9', 'dbPassword: [redacted]'],
  ['DB_PASS=zQ7rT9', 'DB_PASS=[redacted]'],
  ['passphrase=zQ7rT9', 'passphrase=[redacted]'],
  ['API_KEY_2=zQ7rT9', 'API_KEY_2=[redacted]'],
  ['token_prod: zQ7rT9', 'token_prod: [redacted]'],
  ['mysql --password zQ7rT9 db', 'mysql --password [redacted] db'],
  ["npm --auth-token 'zQ7rT9'", "npm --auth-token '[redacted]'"],
  ['Authorization: zQ7rT9', 'Authorization: [redacted]'],
  ['"authorization": "zQ7rT9"', '"authorization": "[redacted]"'],
  ['private_key: zQ7rT9', 'private_key: [redacted]'],
  ['encryption_key=zQ7rT9', 'encryption_key=[redacted]'],
  ['https://x.example/?access_key=zQ7rT9&n=1', 'https://x.example/?access_key=[redacted]&n=1'],
  ['https://x.example/?key=zQ7rT9zQ7rT9&n=1', 'https://x.example/?key=[redacted]&n=1'],
  ['https://x.example/?X-Amz-Signature=0123456789abcdef', 'https://x.example/?X-Amz-Signature=[redacted]'],
  ['https://zQ7rT9zQ7rT9zQ7rT9@github.com/a/b', 'https://[redacted]@github.com/a/b'],
  ['https://zQ7rT9zQ7rT9zQ7rT9:x-oauth@github.com/a', 'https://[redacted]:[redacted]@github.com/a'],
  ['https://zQ7vK2mX9pL4@github.com/a', 'https://[redacted]@github.com/a'],
  ['githubToken: zQ7rT9, "dbPass":"zQ7rT9"', 'githubToken: [redacted], "dbPass":"[redacted]"'],
  ['OPENAI_API_KEY_US=zQ7rT9', 'OPENAI_API_KEY_US=[redacted]'],
  ['<password>zQ7rT9</password>', '<password>[redacted]</password>'],
  ['Set-Cookie: sid=zQ7rT9zQ7rT9; Path=/', 'Set-Cookie: sid=[redacted]; Path=/'],
  ['curl -s -u jane:hunter https://x.example', 'curl -s -u jane:[redacted] https://x.example'],
  ['curl --user "jane:let-me-in"', 'curl --user "jane:[redacted]"'],
  ['?sig=abc123%2B', '?sig=[redacted]'],
  ["secret_key='abc123'", "secret_key='[redacted]'"],
])('%j is shown as %j', (text, shown) => expect(redactText(text)).toBe(shown))

test.each(['${TOKEN_1}', '{{token_1}}', '<token_1>', '[token_1]'])('%s only refers to a secret', (reference) => {
  for (const before of ['Authorization: Bearer ', 'password=', 'api_key: ', 'https://user:']) {
    const text = `${before}${reference}`
    expect(redactText(text)).toBe(text)
  }
})

test('what was redacted stays as it is', () => {
  const pieces = fc.constantFrom(
    ...TOKENS.map(([, token]) => token),
    ...['password=', 'Bearer ', 'token: ', ' ', '\n', '"', ';', 'x', '://u:', '@', REDACTED],
  )
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 8 }), (parts) => {
      const once = redactText(parts.join(' '))
      expect(redactText(once)).toBe(once)
      expect(once).not.toContain(LONG)
    }),
  )
})

test.each([
  'PWD=/tmp/signalbox-work-9fKx2Q',
  'HOME=/root\nPWD=/repo\nOLDPWD=/',
  'export PWD=/home/jane/shop-2',
  'declare -x PWD="/home/jane/shop-2"',
])('%j names the folder of a shell, which is no secret', (text) => {
  expect(redactText(text)).toBe(text)
})

test.each([
  'UID=sa;PWD=/home/jane/shop-2;',
  'UID=sa PWD=/home/jane/shop-2',
  'PWD=/9fKx2QpL',
  'PWD=hunter22',
  'pwd=/home/jane/shop-2',
  'PWD=/home/jane/shop-2!x',
  'DB_PWD=/home/jane/shop-2',
])('%j has a password', (text) => {
  expect(redactText(text)).toContain('[redacted]')
})
