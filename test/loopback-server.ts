// Servers on loopback, on a port the system chooses, that end with all their connections.
import type { AddressInfo, Server, Socket } from 'node:net'

/** Listens, and returns the port and what closes it. */
export async function listenOnLoopback(server: Server): Promise<{ port: number; close(): void }> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
