import { connect, type Client, type Role } from '../client/index.ts'
import { element, sentence, setText } from './dom.ts'
import { whoIs, wordsFor } from './who-is.ts'

export interface Invite {
  token: string
  chatId: string
}

export interface InvitationOptions {
  /** Where the server is. */
  url: string
  invite: Invite
  client: Client
  /** Of whoever is signed in. */
  token: () => Promise<string | undefined>
  joined: (chatId: string) => void
  declined: () => void
}

/** Shows what an invite is and asks: to open a link is not to join. */
export function createInvitation({ url, invite, client, token, joined, declined }: InvitationOptions): HTMLElement {
  const title = element('h2', {}, 'You are invited to a chat')
  const text = element('p', { 'data-testid': 'invitation-text' }, 'Loading …')
  const fault = element('p', { class: 'fault', role: 'alert' })
  const join = element('button', { type: 'button', 'data-testid': 'join', hidden: '' })
  const decline = element('button', { type: 'button', 'data-testid': 'decline' }, 'Not now')
  const root = element(
    'section',
    { class: 'invitation', 'aria-label': 'Invitation', 'data-testid': 'invitation' },
    title,
    text,
    element('div', { class: 'answers' }, decline, join),
    fault,
  )
  const fail = (error: unknown) => {
    setText(text, '')
    setText(fault, sentence(error))
  }
  const show = async () => {
    const [who, chat] = await Promise.all([token().then((held) => whoIs(url, held)), look(url, invite)])
    setText(title, `You are invited to “${chat.title}”`)
    setText(text, chat.role === 'viewer' ? 'You may read this chat.' : 'You may read this chat, and write in it.')
    setText(join, `Join as ${typeof who === 'string' ? 'yourself' : wordsFor(who)}`)
    join.hidden = false
  }
  join.addEventListener('click', () => {
    join.disabled = true
    client.api
      .redeemInvite(invite.token)
      .then(({ chatId }) => joined(chatId))
      .catch((error: unknown) => {
        join.disabled = false
        setText(fault, sentence(error))
      })
  })
  decline.addEventListener('click', declined)
  show().catch(fail)
  return root
}

/** What the invite opens, as its bearer sees it. */
async function look(url: string, { token, chatId }: Invite): Promise<{ title: string; role: Role }> {
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
        end(() => reject(new Error(snapshot.error.message)))
      else if (connection.status === 'closed') end(() => reject(new Error(connection.message)))
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
