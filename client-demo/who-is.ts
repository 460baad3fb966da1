import { decodeServerControl, encodeControl } from '../shared/protocol.ts'
import { hello } from '../shared/versions.ts'
import { offeredSubprotocols } from '../shared/subprotocol.ts'

export interface Person {
  id: string
  name: string
}

/** So long the server has to say it. */
const patienceMs = 5_000

/** Whom the server takes a token for: its word, and not what the token says of itself. `nobody`: it is not valid; `unknown`: no answer. */
export function whoIs(server: string, token: string | undefined): Promise<Person | 'nobody' | 'unknown'> {
  return new Promise((resolve) => {
    const url = new URL('ws', server)
    url.protocol = url.protocol.replace('http', 'ws')
    const socket = new WebSocket(url, offeredSubprotocols(token))
    const timer = setTimeout(() => answer('unknown'), patienceMs)
    const answer = (who: Person | 'nobody' | 'unknown') => {
      clearTimeout(timer)
      resolve(who)
      socket.close()
    }
    socket.addEventListener('open', () => socket.send(encodeControl(hello(token))))
    socket.addEventListener('message', ({ data }) => {
      const message = typeof data === 'string' ? decodeServerControl(data) : null
      if (message?.type === 'welcome') answer(message.user)
    })
    socket.addEventListener('close', ({ code }) => answer(code === 4401 ? 'nobody' : 'unknown'))
  })
}

/** With the id where the name is another word: names are what people call themselves. */
export function wordsFor({ id, name }: Person): string {
  return name === id ? name : `${name} (${id})`
}
