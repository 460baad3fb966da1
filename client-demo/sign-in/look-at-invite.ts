import { connect, RunnelError, type Client, type Role } from '@runnel/client'
import type { Invite } from './credentials.ts'

/** What an invite opens, as its bearer sees it. Throws RunnelError: `internal` if the server could not be asked; with any other code the invite is not valid. */
export async function lookAt(url: string, { token, chatId }: Invite): Promise<{ title: string; role: Role }> {
  const visitor = connect({ url, token })
  try {
    const [{ title }, role] = await Promise.all([visitor.api.getChat(chatId), roleIn(visitor, chatId)])
    return { title, role }
  } finally {
    void visitor.close()
  }
}

function roleIn(visitor: Client, chatId: string): Promise<Role> {
  return new Promise((resolve, reject) => {
    const live = visitor.chat(chatId)
    const look = () => {
      const snapshot = live.getSnapshot()
      const connection = visitor.connection.getSnapshot()
      if (snapshot.status === 'refused' || snapshot.status === 'diverged')
        end(() => reject(new RunnelError(snapshot.error.code, snapshot.error.message)))
      else if (connection.status === 'closed') end(() => reject(new RunnelError('unauthenticated', connection.message)))
      else if (snapshot.role !== null) {
        const { role } = snapshot
        end(() => resolve(role))
      }
    }
    const stops = [live.subscribe(look), visitor.connection.subscribe(look)]
    const end = (settle: () => void) => {
      for (const stop of stops.splice(0)) stop()
      settle()
    }
    look()
  })
}
