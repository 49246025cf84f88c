// Errors of the operating system in words: mistakes of a set-up, not of the program.

import { cut } from './cut.ts'

type Reason = { reason: string; remedy: string }

const PERMISSION = {
  reason: 'this account has no permission',
  remedy: 'Run it as the account that owns it, or give this one permission.',
}
const PATH = 'Correct the path.'
const NAME = 'Check the name, and the name server of this machine.'
const NETWORK = 'Check the address, the network and the firewall.'
const DISK = 'Free some space on that disk; what was stored is safe.'
const FILES = 'Raise the limit: ulimit -n.'

const REASONS: Readonly<Record<string, Reason>> = {
  EACCES: PERMISSION,
  EPERM: PERMISSION,
  ENOENT: { reason: 'there is no such file or folder', remedy: PATH },
  EEXIST: { reason: 'there is another file of that name', remedy: PATH },
  ENOTDIR: { reason: 'a part of the path is a file, not a folder', remedy: PATH },
  EISDIR: { reason: 'it is a folder, not a file', remedy: PATH },
  ENOTEMPTY: { reason: 'the folder is not empty', remedy: PATH },
  ENAMETOOLONG: { reason: 'the path is too long', remedy: PATH },
  ELOOP: { reason: 'its links lead in a circle', remedy: PATH },
  EROFS: { reason: 'the file system is read-only', remedy: 'Choose a folder that can be written.' },
  EBUSY: { reason: 'something else is using it', remedy: 'End what uses it.' },
  ETXTBSY: { reason: 'it is being written', remedy: 'Wait until it is written.' },
  ENOSPC: { reason: 'the disk is full', remedy: DISK },
  EDQUOT: { reason: 'the quota of this account is used up', remedy: DISK },
  EIO: { reason: 'the disk reports an error', remedy: 'Check the disk.' },
  EMFILE: { reason: 'too many files are open in this process', remedy: FILES },
  ENFILE: { reason: 'too many files are open on this machine', remedy: FILES },
  ENOMEM: { reason: 'there is not enough memory', remedy: 'Free some memory.' },
  EADDRINUSE: { reason: 'another program uses the port', remedy: 'Stop that program, or choose another port.' },
  EADDRNOTAVAIL: { reason: 'this machine does not have that address', remedy: 'Choose one that it has.' },
  ENOTFOUND: { reason: 'no name server knows the name', remedy: NAME },
  EAI_AGAIN: { reason: 'the name server does not answer', remedy: NAME },
  ECONNREFUSED: { reason: 'nothing listens there', remedy: 'Check host and port, and that it is running.' },
  ECONNRESET: { reason: 'the connection was cut', remedy: NETWORK },
  ETIMEDOUT: { reason: 'there was no answer in time', remedy: NETWORK },
  EHOSTUNREACH: { reason: 'there is no way to the host', remedy: NETWORK },
  ENETUNREACH: { reason: 'there is no way to the network', remedy: NETWORK },
}

/** An error of the operating system in words. */
export type SystemFailure = {
  /** Part of a sentence, with what it is about: `this account has no permission: .signalbox`. */
  reason: string
  /** What to do about it. */
  remedy: string
}

/** What an error of the operating system means; null for any other error. */
export function systemFailure(error: unknown): SystemFailure | null {
  if (!(error instanceof Error)) return null
  const { code, syscall, path, dest, hostname, address, port } = error as SystemError
  if (typeof code !== 'string' || typeof syscall !== 'string') return null
  const known = Object.hasOwn(REASONS, code) ? REASONS[code] : undefined
  const about = dest ?? path ?? hostname ?? addressText(address, port)
  const reason = known?.reason ?? `${syscall} failed (${code})`
  return {
    reason: about === undefined ? reason : `${reason}: ${about}`,
    remedy: known?.remedy ?? 'Look up what this error of the operating system means.',
  }
}

function addressText(address: string | undefined, port: number | undefined): string | undefined {
  if (address === undefined || port === undefined) return address
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

// OpenSSL's names for what is wrong with a certificate, which Node reports as codes without a
// prefix of their own.
const TLS_CODE = /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|INVALID_CA|HOSTNAME_MISMATCH|EPROTO$)/
const UNTRUSTED = /^(UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|INVALID_CA)/
const MAX_TLS_CHARS = 200

/** What was wrong with a TLS connection or its certificate; null for any other error. */
export function tlsFailure(error: unknown): SystemFailure | null {
  if (!(error instanceof Error)) return null
  const { code = '', reason } = error as NodeJS.ErrnoException & { reason?: unknown }
  if (!TLS_CODE.test(code)) return null
  return {
    // OpenSSL says in `reason` what the message wraps in numbers and paths.
    reason: cut(typeof reason === 'string' ? reason : error.message, MAX_TLS_CHARS),
    remedy: UNTRUSTED.test(code)
      ? 'Set NODE_EXTRA_CA_CERTS to the file of the authority that signed it.'
      : 'Check the address, and the certificate there.',
  }
}

type SystemError = NodeJS.ErrnoException & { dest?: string; hostname?: string; address?: string; port?: number }
