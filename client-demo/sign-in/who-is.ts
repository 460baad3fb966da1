import { connect } from '@runnel/client'

export interface Person {
  id: string
  name: string
}

/** How long the server may take to answer. */
const patienceMs = 5_000

/** The user that the server names for a token, whatever the token itself says. `nobody`: it is not valid; `unknown`: no answer. */
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

/** The name, with the id if they differ, because people choose their names themselves. */
export function wordsFor({ id, name }: Person): string {
  return name === id ? name : `${name} (${id})`
}
