import { SignJWT } from 'jose'
import { WebSocket } from 'ws'
import { Collector, type Collected, type StartedRunnel } from '../../testing/index.ts'
import { Client } from '../socket/sockets.ts'
import { closeAfterwards, startWithFake } from './server.ts'

export const secret = 'a secret of the tests, 32 characters and more'

/** A token as an identity provider would sign it. */
export async function tokenOf(
  user: string,
  { expiresInSeconds = 3_600, name = user }: { expiresInSeconds?: number; name?: string } = {},
): Promise<string> {
  return await new SignJWT({ name })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(user)
    .setExpirationTime(Math.floor(Date.now() / 1_000) + expiresInSeconds)
    .sign(new TextEncoder().encode(secret))
}

/** Somebody with a token, and what he does with it. */
export class Person {
  readonly server: StartedRunnel
  readonly token: string | undefined

  constructor(server: StartedRunnel, token: string | undefined) {
    this.server = server
    this.token = token
  }

  call(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; body: any }> {
    return this.server.call(method, path, body, {
      ...(this.token !== undefined && { authorization: `Bearer ${this.token}` }),
      ...headers,
    })
  }

  async ask(
    content: string,
    chatId?: string,
  ): Promise<{ chatId: string; taskId: string; messageId: string; userMessageId: string }> {
    chatId ??= (await this.call('POST', '/api/chats', {})).body.id as string
    const { status, body } = await this.call('POST', `/api/chats/${chatId}/messages`, { content })
    if (status !== 202) throw new Error(`POST messages answered ${status}: ${JSON.stringify(body)}`)
    return body
  }

  /** A `/ws` viewer. */
  view(): Collector {
    const viewer = new Collector(this.server.url, this.token === undefined ? {} : { token: this.token })
    closeAfterwards(() => viewer.close())
    return viewer
  }

  /** What `/ws` answers to a subscribe: `followed` or the code of its refusal. */
  async subscribe(doc: string): Promise<string> {
    const viewer = this.view()
    const [copy] = (await viewer.follow(doc)) as [Collected]
    await viewer.until(() => copy.subscribed !== null || copy.refused !== null || viewer.closed !== null, 'an answer')
    return copy.refused?.code ?? (viewer.closed ? String(viewer.closed.code) : 'followed')
  }

  /** A stock socket on `/yjs`. */
  open(doc: string): Client {
    return new Client(
      `${this.server.url.replace(/^http/, 'ws')}/yjs/${doc}${this.token === undefined ? '' : `?token=${encodeURIComponent(this.token)}`}`,
    )
  }

  /** What `/yjs` answers to the first sync step: `followed` or its close code. */
  async follow(doc: string): Promise<string> {
    const client = this.open(doc)
    client.socket.once('open', () => client.socket.send(Uint8Array.of(0, 0, 1, 0)))
    await new Promise<void>((resolve) => {
      client.socket.once('message', () => resolve())
      client.socket.once('close', () => resolve())
    })
    const answer = client.closed ? String(client.closed.code) : 'followed'
    if (client.socket.readyState === WebSocket.OPEN) client.socket.terminate()
    return answer
  }
}

/** A server where people sign in, with a fake provider behind it. */
export async function startWithPeople(settings: Parameters<typeof startWithFake>[0] = {}) {
  const { server, fake } = await startWithFake({ RUNNEL_AUTH_SECRET: secret, ...settings })
  return {
    server,
    fake,
    person: async (user: string, options?: Parameters<typeof tokenOf>[1]) =>
      new Person(server, await tokenOf(user, options)),
  }
}
