import { once } from 'node:events'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { WebSocket } from 'ws'

/** A socket that says only what a test makes it say. */
export interface PlainSocket {
  socket: WebSocket
  /** Text frames so far. */
  control: any[]
  /** Binary frames so far. */
  binary: Buffer[]
  /** Resolves with the close code and reason. */
  closed: Promise<{ code: number; reason: string }>
}

/** What the upgrade was answered where it was refused. */
export interface Refused {
  status: number
  retryAfter: string | undefined
  code: string
}

export interface SocketOptions {
  path?: string
  /** One of 127.0.0.0/8, to come from another address. */
  from?: string
  headers?: Record<string, string>
  protocols?: string[]
}

export async function openSocket(
  url: string,
  { path = '/ws', from = '127.0.0.1', headers = {}, protocols = [] }: SocketOptions = {},
): Promise<PlainSocket | Refused> {
  const socket = new WebSocket(url.replace('http', 'ws') + path, protocols, {
    localAddress: from,
    headers,
    perMessageDeflate: false,
  })
  const control: any[] = []
  const binary: Buffer[] = []
  socket.on('message', (data: Buffer, isBinary) => {
    if (isBinary) binary.push(data)
    else control.push(JSON.parse(data.toString()))
  })
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })),
  )
  const refused = new Promise<Refused>((resolve) =>
    socket.on('unexpected-response', (_request: ClientRequest, response: IncomingMessage) => {
      void text(response).then((body) => {
        resolve({
          status: response.statusCode!,
          retryAfter: response.headers['retry-after'],
          code: JSON.parse(body).error.code,
        })
        socket.terminate()
      })
    }),
  )
  socket.on('error', () => {})
  return await Promise.race([once(socket, 'open').then(() => ({ socket, control, binary, closed })), refused])
}

/** Opens one that must not be refused. */
export async function open(url: string, options?: SocketOptions): Promise<PlainSocket> {
  const opened = await openSocket(url, options)
  if ('status' in opened) throw new Error(`the upgrade was refused: ${opened.status} ${opened.code}`)
  return opened
}

export function say(socket: PlainSocket, message: object): void {
  socket.socket.send(JSON.stringify(message))
}

/** Signs in and waits for welcome, or the close. */
export async function signIn(plain: PlainSocket, token = 'ann'): Promise<PlainSocket> {
  say(plain, { type: 'hello', v: 1, token })
  await until(
    () => plain.socket.readyState !== plain.socket.OPEN || plain.control.some(({ type }) => type === 'welcome'),
    'welcome or the close',
  )
  return plain
}

export async function end(...sockets: PlainSocket[]): Promise<void> {
  for (const { socket } of sockets) socket.terminate()
  await Promise.all(sockets.map(({ closed }) => closed))
}

export async function until(condition: () => boolean, what: string, deadlineMs = 10_000): Promise<void> {
  const deadline = Date.now() + deadlineMs
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`${what} did not come true within ${deadlineMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
