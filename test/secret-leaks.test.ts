// What is secret about endpoints is in no answer of the API, no output of the command line, no log
// line and no column of the database in plain text: everything there is, is read.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { openLog } from '../src/lib/pino-log.ts'
import type { DescribedApi } from './described-api.ts'
import { describedApi } from './described-api.ts'
import { openTestFolder } from './folder.ts'
import { ENCRYPTION_KEY } from './keys.ts'
import type { TestSignalbox } from './signalbox.ts'
import { openTestSignalbox, until } from './signalbox.ts'
import { cliOf } from './terminal.ts'

// Each is found by a part that no encoding changes.
const PLANTED = {
  secret: 'planted-signing-secret-1',
  configured: 'planted-configured-secret-2',
  rotated: 'planted-rotated-secret-3',
  header: 'planted-header-value-4',
  changedHeader: 'planted-changed-header-5',
  cliHeader: 'planted-cli-header-6',
  cliSecret: 'planted-cli-secret-7',
  slack: 'planted-slack-path-8',
  telegram: 'planted-telegram-token-9',
}

function leaksIn(what: string, text: string, made: readonly string[]): string[] {
  const forms = [...Object.values(PLANTED), ...made, ENCRYPTION_KEY].flatMap((value) => [
    value,
    Buffer.from(value).toString('base64').slice(0, -4),
    Buffer.from(value).toString('hex'),
  ])
  return forms.filter((form) => text.includes(form)).map((form) => `${what}: ${form}`)
}

async function everyGet(api: DescribedApi, signalbox: TestSignalbox): Promise<Map<string, string>> {
  const seen = new Map<string, string>()
  const read = async (path: string) => {
    const response = await signalbox.api(`/api${path}`)
    seen.set(path, `${JSON.stringify([...response.headers])}${await response.text()}`)
    return seen.get(path) ?? ''
  }
  const paths = Object.entries(api.description.paths).flatMap(([path, methods]) => ('get' in methods ? [path] : []))
  for (const path of paths.filter((each) => !each.includes('{'))) await read(path)
  // Every row of every list, by every route that takes its id.
  for (const path of paths.filter((each) => each.includes('{'))) {
    const [noun = ''] = path.split('/{')
    const { items = [] } = (await (await signalbox.api(`/api${noun}`)).json()) as { items?: Record<string, string>[] }
    for (const row of items) {
      const id = row.id ?? row.deployment_id ?? row.type ?? row.name ?? ''
      await read(path.replace(/\{\w+\}/, encodeURIComponent(id)))
    }
  }
  return seen
}

async function everyTextColumn({ database }: TestSignalbox): Promise<Map<string, string>> {
  const { rows } = await database.query<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = 'signalbox'`,
  )
  const texts = new Map<string, string>()
  for (const { name } of rows) {
    // A whole row as text; `bytea` is in it as hexadecimal digits.
    const all = await database.query<{ row: string }>(`select t::text as row from signalbox."${name}" t`)
    texts.set(name, all.rows.map(({ row }) => row).join('\n'))
  }
  return texts
}

test('no secret of an endpoint is shown, logged or stored in plain text', async () => {
  const receiver = createServer((request, response) => {
    // A careless receiver, which answers with what it was sent.
    request.resume().on('end', () => response.writeHead(500).end(JSON.stringify(request.headers)))
  })
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`
  let logged = ''
  const write = (line: string) => {
    logged += line
  }
  const log = openLog({ level: 'DEBUG', destination: { write } })
  const config = { endpoints: [{ name: 'configured', url, secret: PLANTED.configured }] }
  const signalbox = await openTestSignalbox({ config, log })
  const api = await describedApi(signalbox)
  const cli = cliOf(signalbox)
  const printed = new Map<string, string>()
  const made: string[] = []
  const ask = async (args: string[], input = '') => {
    for (const form of [args, [...args, '--json']]) {
      const { out, err } = await cli.ask(form, { readInput: async () => input, folder: await openTestFolder() })
      printed.set(form.join(' '), out + err)
    }
  }
  try {
    const { body } = await api.post('/endpoints', {
      url,
      name: 'api',
      secret: PLANTED.secret,
      headers: { 'x-key': PLANTED.header },
    })
    const path = `/endpoints/${body.id}`
    expect((await api.post(`${path}/rotate`, { secret: PLANTED.rotated })).status).toBe(200)
    expect((await api.patch(path, { headers: { 'x-key': PLANTED.changedHeader } })).status).toBe(200)
    made.push(String((await api.post(`${path}/rotate`)).body.secret))
    // Refused requests must not repeat what they brought either.
    for (const wrong of [
      { url: `${url}${PLANTED.slack}`, kind: 'slack', credential: PLANTED.telegram },
      { url, headers: { 'x-key': `${PLANTED.header}\u0007` } },
      { url, secret: `${PLANTED.secret} with spaces` },
      { url: 'x', credential: [PLANTED.telegram] },
    ]) {
      const refused = await api.post('/endpoints', wrong)
      expect(refused.status).toBe(422)
      printed.set(`refused ${JSON.stringify(wrong)}`, JSON.stringify(refused.body))
    }
    await ask(
      ['endpoints', 'add', '--url', url, '--name', 'cli', '--header', 'x-key: -', '--apps', 'x'],
      PLANTED.cliHeader,
    )
    await ask(['endpoints', 'rotate', String(body.id), '--secret', '-'], PLANTED.cliSecret)
    await api.post('/deployments', {
      ...{ project_id: 'p', app_name: 'bot', variant_name: 'v', environment: 'production' },
      ...{ config: {}, deployed_by: 'jane' },
    })
    await until('every delivery was attempted', async () => {
      const attempts = await signalbox.count('signalbox.delivery_attempts')
      return attempts >= 2
    })
    for (const verb of ['pause', 'enable', 'show']) await ask(['endpoints', verb, String(body.id)])
    for (const noun of ['endpoints', 'deliveries', 'events', 'jobs']) await ask([noun, 'ls'])
    const database = { DATABASE_URL: signalbox.database.url, SIGNALBOX_ENCRYPTION_KEY: ENCRYPTION_KEY }
    const doctor = await cli.ask(['doctor'], { env: database, folder: await openTestFolder() })
    printed.set('doctor', doctor.out + doctor.err)

    const answers = await everyGet(api, signalbox)
    const columns = await everyTextColumn(signalbox)
    // The walk has been everywhere: it saw the endpoint, its deliveries, and what is sealed.
    expect([...answers.keys()]).toContain(path)
    expect([...answers.keys()].filter((each) => /^\/deliveries\/./.test(each)).length).toBeGreaterThan(1)
    expect([...columns.keys()]).toEqual(expect.arrayContaining(['endpoints', 'delivery_attempts', 'events']))
    expect(columns.get('endpoints')).toContain('v1.')
    expect(columns.get('delivery_attempts')).toContain('[redacted]')
    expect(logged).not.toBe('')
    // What was made by the server was shown once, by the answer that made it.
    const found = [...answers, ...columns, ['log', logged] as const].flatMap(([what, text]) =>
      leaksIn(what, text, made),
    )
    const shown = [...printed].flatMap(([what, text]) => leaksIn(what, text, made))
    expect([...found, ...shown]).toEqual([])
  } finally {
    await signalbox.close()
    receiver.close()
  }
})
