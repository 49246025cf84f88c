// Addresses of this machine itself; names below `localhost` are too (RFC 6761 §6.3).

const LOOPBACK = /^(([\w-]+\.)*localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i

/** Whether a host, with or without a port, is this machine, as a URL or a Host header names it. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host)
}
