// Changes without a defect that look like those with one: whatever is found here is raised falsely.
import type { Change } from './planted.ts'
import { BOT, deployed, json, token } from './planted.ts'

const CONFIG = {
  max_tokens: 800,
  model: 'gpt-4o',
  system_prompt: 'You help {{customer}} with orders.',
  temperature: 0.7,
  tools: [{ name: 'find_order' }],
}
const REFERENCE = '$' + '{{ secrets.RELEASE_TOKEN }}'
function uses(version: string): string {
  return `name: ci\non: push\njobs:\n  test:\n    runs-on: ubuntu-24.04\n    steps:\n      - uses: actions/checkout@${version}\n      - run: npm test\n`
}

/** Files beside a README that does not change. */
function added(files: Change['after']): Change {
  return { before: { 'README.md': '# Shop\n' }, after: { 'README.md': '# Shop\n', ...files } }
}

export const clean: Record<string, Change> = {
  'a token from the environment': added({
    'script/release.sh': '#!/bin/sh\nexport GH_TOKEN="$RELEASE_TOKEN"\ngh release create "$1"\n',
  }),
  'an example of settings': added({
    '.env.example': `GITHUB_TOKEN=${token('ghp', '_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx')}\nDB_PASSWORD=changeme\nSESSION_SECRET=replace-with-32-random-bytes\n`,
  }),
  'the key of the vendor’s own documents': added({
    'docs/aws.md': `Set \`aws_access_key_id = ${token('AKIA', 'IOSFODNN7EXAMPLE')}\` first.\n`,
  }),
  'a token in a test': added({
    'test/redact.test.ts': `expect(redact('${token('ghp', '_16C7e42F292c6912E7710c838347Ae178B4a')}')).toBe('[redacted]')\n`,
  }),
  'a key that is meant to be public': added({
    'src/pay.ts': `export const publishable = '${token('pk', '_live_51HxQ2eKz9Tq7vLmB3nYc')}'\n`,
  }),
  'a password that is asked for': added({
    'src/login.tsx':
      "export const label = { password: 'login.form.password.label', passwordHint: 'At least 12 characters' }\n",
  }),
  'a database of docker compose': added({
    'compose.yml':
      'services:\n  db:\n    image: postgres:18\n    environment:\n      POSTGRES_PASSWORD: postgres\n      DATABASE_URL: postgres://shop:shop@db:5432/shop\n',
  }),
  'a secret by its reference': added({
    'chart/values.yaml':
      'database:\n  password: vault:secret/data/shop#password\n  token: arn:aws:secretsmanager:eu-central-1:1:secret:shop-4fK2Zq\n',
  }),
  'the names of settings': added({
    'src/settings.py':
      "API_KEY_NAME = 'X-Api-Key'\nSECRET_KEY = os.environ['SECRET_KEY']\nTOKEN_URL = 'https://login.acme.com/oauth2/token'\n",
  }),
  'a lock file with hashes': added({
    'package-lock.json': json({
      packages: {
        'node_modules/a': { integrity: 'sha512-Zk3rT9vQw1LxB7nYc5DfHs2JmPa8GeUo4R6Vb4TzR1wLs8NcYe39fK2mXq7==' },
      },
    }),
  }),
  'a moved file with a token that was there': {
    before: { 'a.sh': `TOKEN=${token('ghp', '_Zk3rT9vQw1LxB7nYc5DfHs2JmPa8GeUo4R6')}\n` },
    after: { 'b/run.sh': `#!/bin/sh\nTOKEN=${token('ghp', '_Zk3rT9vQw1LxB7nYc5DfHs2JmPa8GeUo4R6')}\n` },
  },
  'a public key': added({
    'keys/deploy.pub': 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG9fK2mXq7Vb4TzR1wLs8NcYe3Zk3rT9vQw1LxB7nYc5 deploy\n',
  }),
  'a document about keys': added({
    'docs/keys.md': `The file begins with \`${['-----BEGIN PRIVATE', 'KEY-----'].join(' ')}\`.\n`,
  }),
  'a document about conflicts': added({
    'docs/merging.md': 'Git writes:\n\n```\n<<<<<<< HEAD\nours\n=======\ntheirs\n>>>>>>> topic\n```\n',
  }),
  'headings that are underlined': added({ 'docs/index.rst': 'Shop\n=======\n\nOrders\n>>>>>>>\n' }),
  'the word debugger': added({
    'src/tools.ts':
      "// Without a debugger statement the tools stay closed.\nexport const tools = { debugger: true, breakpoint: 'md' }\n",
  }),
  'a filter that is called only': added({
    'src/query.ts': "export const ids = orders.only('id')\nconst list = items.only.first\n",
  }),
  'a test that is skipped': added({
    'test/slow.test.ts':
      "import { it } from 'vitest'\n\nit.skip('is slow', () => {})\nit.each([1])('runs %i', () => {})\n",
  }),
  'a lower temperature': {
    before: { [BOT]: deployed(CONFIG) },
    after: { [BOT]: deployed({ ...CONFIG, temperature: 0.3 }) },
  },
  'the next deployment with the same configuration': {
    before: { [BOT]: deployed(CONFIG) },
    after: { [BOT]: deployed(CONFIG).replace('deploy_1', 'deploy_2') },
  },
  'a configuration with other white space': {
    before: { [BOT]: deployed(CONFIG) },
    after: { [BOT]: `${JSON.stringify(JSON.parse(deployed(CONFIG)), null, 4)}\n` },
  },
  'the first configuration of an app': added({ [BOT]: deployed(CONFIG) }),
  'a new version of an action': {
    before: { '.github/workflows/ci.yml': uses('v4') },
    after: { '.github/workflows/ci.yml': uses('v5') },
  },
  'a link inside the repository': added({ 'docs/README.md': { symlink: '../README.md' } }),
  'a script that becomes executable': {
    before: { 'script/run': '#!/bin/sh\n', 'bin/tool.ts': '#!/usr/bin/env node\n' },
    after: { 'script/run': { executable: '#!/bin/sh\n' }, 'bin/tool.ts': { executable: '#!/usr/bin/env node\n' } },
  },
  'a folder of the product that is called coverage': added({ 'src/coverage/report.ts': 'export const report = 1\n' }),
  'a picture of some kilobytes': added({ 'web/logo.png': { bytes: Buffer.from([137, 80, 78, 71, 0, 1, 2, 3]) } }),
  'a secret of a workflow by its name': {
    before: { 'action.yml': 'runs:\n  using: node24\n' },
    after: { 'action.yml': `runs:\n  using: node24\n  env:\n    TOKEN: ${REFERENCE}\n` },
  },
}
