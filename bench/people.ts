/** Many people, each with an address and, where the server has sign-in, a token of their own: no limit as it is delivered is met. */
import { once } from 'node:events'
import { SignJWT } from 'jose'
import { WebSocket } from 'ws'

export const secret = 'a secret of thirty-two characters'

export async function tokenOf(user: string): Promise<string> {
  return await new SignJWT({ sub: user })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(secret))
}

export class Person {
  readonly #url: string
  readonly #address: string
  readonly #token: string | undefined

  constructor(url: string, number: number, token: string | undefined) {
    this.#url = url
    this.#address = `127.1.${Math.floor(number / 200)}.${1 + (number % 200)}`
    this.#token = token
  }

  async post(path: string, body: object): Promise<any> {
    const authorization: Record<string, string> =
      this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }
    const response = await fetch(this.#url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...authorization },
      body: JSON.stringify(body),
    })
    if (!response.ok) throw new Error(`POST ${path} answered ${response.status}: ${await response.text()}`)
    return await response.json()
  }

  /** Asks in a new chat. */
  async ask(fields: object = {}): Promise<{ chatId: string; messageId: string }> {
    const { id: chatId } = await this.post('/api/chats', {})
    const { messageId, id } = await this.post(`/api/chats/${chatId}/messages`, { content: 'go', ...fields })
    return { chatId, messageId: messageId ?? id }
  }

  /** A viewer on `/ws` that has the document's state. */
  async follow(doc: string): Promise<WebSocket> {
    const socket = new WebSocket(`${this.#url.replace('http', 'ws')}/ws`, {
      localAddress: this.#address,
      perMessageDeflate: false,
      skipUTF8Validation: true,
    })
    await once(socket, 'open')
    const state = new Promise<void>((resolve, reject) => {
      socket.on('message', function socketOnMessage(data: Buffer, isBinary) {
        if (!isBinary && !/"type":"(refused|error)"/.test(data.toString())) return
        socket.off('message', socketOnMessage)
        if (isBinary) resolve()
        else reject(new Error(data.toString()))
      })
      socket.once('close', (code, reason) => reject(new Error(`closed with ${code}: ${reason.toString()}`)))
    })
    socket.send(JSON.stringify({ type: 'hello', v: 1, token: this.#token }))
    socket.send(JSON.stringify({ type: 'subscribe', docs: [{ doc }] }))
    await state
    return socket
  }
}

export async function people(url: string, count: number, signedIn = true): Promise<Person[]> {
  return await Promise.all(
    Array.from(
      { length: count },
      async (_, i) => new Person(url, i, signedIn ? await tokenOf(`person${i}`) : undefined),
    ),
  )
}
