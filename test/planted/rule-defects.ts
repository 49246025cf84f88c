// Changes with a defect that the deterministic reviewers must find.
import type { Planted } from './planted.ts'
import { BOT, deployed, token } from './planted.ts'

const GITHUB_TOKEN = token('ghp', '_Zk3rT9vQw1LxB7nYc5DfHs', '2JmPa8GeUo4R6')
const AWS_KEY = token('AKIA', 'Q3EGWZ7N4KJ2TLVD')
const ANTHROPIC_KEY = token('sk-ant-', 'api03-r7Kq2WvTz9XnLb4MfYcD8sGh', 'JpEu6RaN1oVi')
const KEY_LINES = [
  'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDJqV8pXz3uT1hK',
  'w9mZ4rYfB2sLx7eNcQvGdPa5tHiUjRoS6bWkEy0CnMlDzXgFhJ8qT3vKpIuO1wYr',
]
function pem(name: string): string {
  return [`-----BEGIN ${name}PRIVATE`, 'KEY-----'].join(' ')
}

const CONFIG = {
  max_tokens: 800,
  model: 'gpt-4o',
  system_prompt: 'You help {{customer}} with orders. Be brief and polite.',
  temperature: 0.2,
  tools: [{ name: 'find_order' }],
}

const CI = [
  'name: ci',
  'on:',
  '  pull_request:',
  'jobs:',
  '  test:',
  '    runs-on: ubuntu-24.04',
  '    steps:',
  '      - uses: actions/checkout@v5',
  '      - run: npm test',
  '',
].join('\n')

export const ruleDefects: Record<string, Planted> = {
  'a GitHub token in a deploy script': {
    finder: 'rules',
    path: 'script/release.sh',
    line: 3,
    category: 'secret',
    defect: 'A personal access token is written into the script.',
    before: { 'script/release.sh': '#!/bin/sh\nset -e\ngh release create "$1"\n' },
    after: { 'script/release.sh': `#!/bin/sh\nset -e\nexport GH_TOKEN=${GITHUB_TOKEN}\ngh release create "$1"\n` },
  },
  'an AWS key in Terraform': {
    finder: 'rules',
    path: 'infra/main.tf',
    line: 3,
    category: 'secret',
    defect: 'The access key of the provider is a literal.',
    before: { 'infra/main.tf': 'provider "aws" {\n  region = "eu-central-1"\n}\n' },
    after: { 'infra/main.tf': `provider "aws" {\n  region     = "eu-central-1"\n  access_key = "${AWS_KEY}"\n}\n` },
  },
  'a model key in a Python module': {
    finder: 'rules',
    path: 'app/llm.py',
    line: 3,
    category: 'secret',
    defect: 'The key of the model provider is a literal.',
    before: { 'app/llm.py': 'import anthropic\n\nclient = anthropic.Anthropic()\n' },
    after: { 'app/llm.py': `import anthropic\n\nclient = anthropic.Anthropic(api_key="${ANTHROPIC_KEY}")\n` },
  },
  'a generated password in Helm values': {
    finder: 'rules',
    path: 'chart/values.yaml',
    line: 3,
    category: 'secret',
    defect: 'The password of the database is in the values.',
    before: { 'chart/values.yaml': 'database:\n  host: db.internal\n  existingSecret: shop-db\n' },
    after: { 'chart/values.yaml': `database:\n  host: db.internal\n  password: ${token('vR7!qLz', '2Wm9#xT4')}\n` },
  },
  'a signing secret in TypeScript': {
    finder: 'rules',
    path: 'src/session.ts',
    line: 3,
    category: 'secret',
    defect: 'The fallback of the session secret is a real one.',
    before: { 'src/session.ts': "import { env } from './env.ts'\n\nexport const sessionSecret = env.SESSION_SECRET\n" },
    after: {
      'src/session.ts': `import { env } from './env.ts'\n\nexport const sessionSecret = '${token('9fK2mXq7', 'Vb4TzR1wLs8NcYe3')}'\n`,
    },
  },
  'a connection string of production': {
    finder: 'rules',
    path: 'src/db.js',
    line: 2,
    category: 'secret',
    defect: 'The connection string has the password of production.',
    before: { 'src/db.js': "const { Pool } = require('pg')\nmodule.exports = new Pool()\n" },
    after: {
      'src/db.js': `const { Pool } = require('pg')\nmodule.exports = new Pool({ connectionString: '${token('postgres://shop:', 'k8Tq2vLx9wRz', '@db7.eu.acme-cloud.com/shop')}' })\n`,
    },
  },
  'a private key beside the server': {
    finder: 'rules',
    path: 'certs/server.pem',
    line: 1,
    category: 'private-key',
    defect: 'The private key of the server is committed.',
    before: { 'README.md': '# Shop\n' },
    after: {
      'README.md': '# Shop\n',
      'certs/server.pem': `${pem('')}\n${KEY_LINES.join('\n')}\n-----END PRIVATE KEY-----\n`,
    },
  },
  'a service account with its key': {
    finder: 'rules',
    path: 'config/account.json',
    line: 3,
    category: 'private-key',
    defect: 'The JSON of the service account has its private key.',
    before: { 'config/.keep': '' },
    after: {
      'config/.keep': '',
      'config/account.json': `{\n  "type": "service_account",\n  "private_key": "${pem('')}\\n${KEY_LINES.join('\\n')}\\n"\n}\n`,
    },
  },
  'conflict marks in a package file': {
    finder: 'rules',
    path: 'package.json',
    line: 3,
    category: 'merge-conflict',
    defect: 'The merge of the two versions was not finished.',
    before: { 'package.json': '{\n  "name": "shop",\n  "version": "1.2.0"\n}\n' },
    after: {
      'package.json':
        '{\n  "name": "shop",\n<<<<<<< HEAD\n  "version": "1.3.0"\n=======\n  "version": "1.2.1"\n>>>>>>> hotfix\n}\n',
    },
  },
  'a focused test': {
    finder: 'rules',
    path: 'test/cart.test.ts',
    line: 3,
    category: 'focused-test',
    defect: 'Only one test of the file runs.',
    before: { 'test/cart.test.ts': "import { it } from 'vitest'\n\nit('adds', () => {})\nit('removes', () => {})\n" },
    after: {
      'test/cart.test.ts': "import { it } from 'vitest'\n\nit.only('adds', () => {})\nit('removes', () => {})\n",
    },
  },
  'a debugger statement in a handler': {
    finder: 'rules',
    path: 'src/checkout.tsx',
    line: 2,
    category: 'debug-leftover',
    defect: 'The browser stops here when its tools are open.',
    before: { 'src/checkout.tsx': 'export function submit(order: Order) {\n  return api.post(order)\n}\n' },
    after: { 'src/checkout.tsx': 'export function submit(order: Order) {\n  debugger\n  return api.post(order)\n}\n' },
  },
  'a breakpoint in a Python view': {
    finder: 'rules',
    path: 'shop/views.py',
    line: 3,
    category: 'debug-leftover',
    defect: 'The worker stops and waits for a terminal.',
    before: { 'shop/views.py': 'def cart(request):\n    items = load(request)\n    return render(items)\n' },
    after: {
      'shop/views.py':
        'def cart(request):\n    items = load(request)\n    import pdb; pdb.set_trace()\n    return render(items)\n',
    },
  },
  'a raised temperature': {
    finder: 'rules',
    path: BOT,
    line: 7,
    category: 'temperature-raised',
    defect: 'A bot for orders answers at random.',
    before: { [BOT]: deployed(CONFIG) },
    after: { [BOT]: deployed({ ...CONFIG, temperature: 0.9 }) },
  },
  'a temperature that no provider takes': {
    finder: 'rules',
    path: BOT,
    line: 7,
    category: 'parameter-range',
    defect: 'The temperature lacks its point.',
    before: { [BOT]: deployed(CONFIG) },
    after: { [BOT]: deployed({ ...CONFIG, temperature: 20 }) },
  },
  'another model': {
    finder: 'rules',
    path: BOT,
    line: 5,
    category: 'model-changed',
    defect: 'The model changes without a word about it.',
    before: { [BOT]: deployed(CONFIG) },
    after: { [BOT]: deployed({ ...CONFIG, model: 'gpt-4o-mini' }) },
  },
  'a prompt without its variable': {
    finder: 'rules',
    path: BOT,
    line: 6,
    category: 'prompt-variable',
    defect: 'The name of the customer does not reach the model any more.',
    before: { [BOT]: deployed(CONFIG) },
    after: { [BOT]: deployed({ ...CONFIG, system_prompt: 'You help customers with orders. Be brief and polite.' }) },
  },
  'a limit that is gone': {
    finder: 'rules',
    path: BOT,
    line: 4,
    side: 'LEFT',
    category: 'removed-parameter',
    defect: 'Answers have no limit any more.',
    before: { [BOT]: deployed(CONFIG) },
    after: { [BOT]: deployed({ ...CONFIG, max_tokens: undefined }) },
  },
  'a tool that refunds': {
    finder: 'rules',
    path: BOT,
    line: 13,
    category: 'tool-added',
    defect: 'The bot may refund money to whoever asks for it.',
    before: { [BOT]: deployed(CONFIG) },
    after: { [BOT]: deployed({ ...CONFIG, tools: [{ name: 'find_order' }, { name: 'refund_order' }] }) },
  },
  'a configuration that is cut off': {
    finder: 'rules',
    path: BOT,
    line: null,
    category: 'invalid-json',
    defect: 'The last brace is missing.',
    before: { [BOT]: deployed(CONFIG) },
    after: { [BOT]: deployed({ ...CONFIG, temperature: 0.1 }).replace(/\}\n$/, '') },
  },
  'the password of a tool in a configuration': {
    finder: 'rules',
    path: BOT,
    line: 4,
    category: 'secret',
    defect: 'The configuration has the password of the shop.',
    before: { [BOT]: deployed(CONFIG) },
    after: { [BOT]: deployed({ shop_password: token('Winter', '24!rosa'), ...CONFIG }) },
  },
  'a workflow that runs untrusted code': {
    finder: 'rules',
    path: '.github/workflows/ci.yml',
    line: 3,
    category: 'ci-risk',
    defect: 'Pull requests of forks run with the secrets of the repository.',
    before: { '.github/workflows/ci.yml': CI },
    after: {
      '.github/workflows/ci.yml': CI.replace('pull_request:', 'pull_request_target:').replace(
        'checkout@v5',
        'checkout@v5\n        with:\n          ref: $' + '{{ github.event.pull_request.head.sha }}',
      ),
    },
  },
  'a title in a script': {
    finder: 'rules',
    path: '.github/workflows/triage.yml',
    line: 8,
    category: 'ci-risk',
    defect: 'The title of an issue is run by the shell.',
    before: { 'README.md': '# Shop\n' },
    after: {
      'README.md': '# Shop\n',
      '.github/workflows/triage.yml':
        'name: triage\non: issues\njobs:\n  greet:\n    runs-on: ubuntu-24.04\n    steps:\n      - run: |\n          echo "New: $' +
        '{{ github.event.issue.title }}" >> log\n',
    },
  },
  'an action of a branch that moves': {
    finder: 'rules',
    path: '.github/workflows/ci.yml',
    line: 9,
    category: 'ci-risk',
    defect: 'Whoever can push to the action runs code here.',
    before: { '.github/workflows/ci.yml': CI },
    after: {
      '.github/workflows/ci.yml': CI.replace('      - run:', '      - uses: somebody/notify@main\n      - run:'),
    },
  },
  'a symlink to the machine': {
    finder: 'rules',
    path: 'config/hosts',
    line: 1,
    category: 'symlink',
    defect: 'The file is another one on every machine.',
    before: { 'config/app.yml': 'a: 1\n' },
    after: { 'config/app.yml': 'a: 1\n', 'config/hosts': { symlink: '../../../etc/hosts' } },
  },
  'a submodule that moved by accident': {
    finder: 'rules',
    path: 'vendor/theme',
    line: null,
    category: 'submodule',
    defect: 'The commit has the submodule of somebody who had pulled it.',
    before: { 'vendor/theme': { submodule: '1'.repeat(40) }, 'index.html': '<p>1</p>\n' },
    after: { 'vendor/theme': { submodule: '2'.repeat(40) }, 'index.html': '<p>2</p>\n' },
  },
  'a document that becomes a program': {
    finder: 'rules',
    path: 'docs/setup.md',
    line: null,
    category: 'executable-data',
    defect: 'A copy from another system changed the mode.',
    before: { 'docs/setup.md': '# Setup\n' },
    after: { 'docs/setup.md': { executable: '# Setup\n' } },
  },
  'the installed packages': {
    finder: 'rules',
    path: 'web/node_modules/left-pad/index.js',
    line: null,
    category: 'generated-file',
    defect: 'node_modules is committed.',
    before: { 'web/package.json': '{}\n' },
    after: {
      'web/package.json': '{}\n',
      'web/node_modules/left-pad/index.js': 'module.exports = (s) => s\n',
      'web/node_modules/left-pad/package.json': '{}\n',
    },
  },
  'a dump of the database': {
    finder: 'rules',
    path: 'dump.sql',
    line: null,
    category: 'large-file',
    defect: 'A dump of 1.5 MB is committed.',
    before: { 'README.md': '# Shop\n' },
    after: { 'README.md': '# Shop\n', 'dump.sql': "insert into t values (1, 'row');\n".repeat(47_000) },
  },
}
