// What leads from a network with nothing but loopback to the socket of a proxy: a small program
// that starts the real one.
const PORT = 3128

// Run by `node -e`, so that no file of Signalbox has to be in the view of a program. SIGTERM goes
// to the whole group, and it is for the real program to end.
const SOURCE = `
const net = require('node:net'), { spawn } = require('node:child_process'), { signals } = require('node:os').constants
const [path, file, ...args] = process.argv.slice(1)
const server = net.createServer((near) => {
  const far = net.connect(path)
  near.on('error', () => far.destroy()).pipe(far).on('error', () => near.destroy()).pipe(near)
})
process.on('SIGTERM', () => {})
server.listen(${PORT}, '127.0.0.1', () => {
  const child = spawn(file, args, { stdio: ['inherit', 'inherit', 'inherit', 'inherit'] })
  child.once('error', ({ message }) => { console.error(message); process.exit(126) })
  child.once('exit', (code, signal) => process.exit(code ?? 128 + signals[signal]))
})`

/** Runs a program with the proxy behind this socket at `PROXIED`. */
export function bridged(argv: readonly string[], path: string): readonly [string, ...string[]] {
  return [process.execPath, '-e', SOURCE, path, ...argv]
}

const ADDRESS = `http://127.0.0.1:${PORT}`

/** The variables by which programs find the proxy; Node.js asks for one more. */
export const PROXIED: Readonly<Record<string, string>> = {
  HTTPS_PROXY: ADDRESS,
  HTTP_PROXY: ADDRESS,
  https_proxy: ADDRESS,
  http_proxy: ADDRESS,
  NODE_USE_ENV_PROXY: '1',
}
