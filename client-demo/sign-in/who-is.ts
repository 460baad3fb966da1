import { connect } from '@runnel/client'

export interface Person {
  id: string
  name: string
}

/** So long the server has to say it. */
const patienceMs = 5_000

/** Whom the server takes a token for: its word, and not what the token says of itself. `nobody`: it is not valid; `unknown`: no answer. */
export async function whoIs(url: string, token: string | undefined): Promise<Person | 'nobody' | 'unknown'> {
  const { connection, close } = connect({ url, ...(token !== undefined && { token }) })
  const answer = Promise.withResolvers<Person | 'nobody' | 'unknown'>()
  const look = () => {
    const state = connection.getSnapshot()
    if (state.status === 'open') answer.resolve({ name: state.user.id, ...state.user })
    else if (state.status === 'closed') answer.resolve(state.code === 4401 ? 'nobody' : 'unknown')
  }
  const stop = connection.subscribe(look)
  const timer = setTimeout(() => answer.resolve('unknown'), patienceMs)
  try {
    return await answer.promise
  } finally {
    clearTimeout(timer)
    stop()
    void close()
  }
}

/** With the id where the name is another word: names are what people call themselves. */
export function wordsFor({ id, name }: Person): string {
  return name === id ? name : `${name} (${id})`
}
