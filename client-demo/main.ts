import { connect } from '../client/index.ts'
import { createChatList } from './chat-list.ts'
import { createComposer } from './composer.ts'
import { createConnectionLine } from './connection-line.ts'
import { openConversation, type Conversation } from './conversation.ts'
import { element } from './dom.ts'
import { createInvitation } from './invitation.ts'
import {
  currentToken,
  enterAsGuest,
  hasCredentials,
  isGuest,
  isSignedIn,
  signIn,
  takeCredentials,
  tokenSource,
} from './sign-in.ts'

const titleLength = 60

// The server may serve this page below a path of some site.
const url = new URL('.', location.href).href
const { token, invite } = takeCredentials()
const refusal = token === null ? null : await signIn(url, token)
// A local server knows its one user without a token, and takes an invite from everybody else.
if (invite && !isSignedIn()) enterAsGuest(invite.token)
const client = connect({ url, token: tokenSource() })
const chats = createChatList(client)
const stage = element('div', { class: 'stage' })
const composer = createComposer({
  send: async (content, idempotencyKey) => {
    if (chatId === '') {
      location.hash = (await client.api.createChat({ title: titleOf(content) }, { idempotencyKey })).id
      refreshChats()
      openFromAddress()
    } else if (conversation?.isEmpty()) await client.api.renameChat(chatId, titleOf(content))
    await conversation?.send(content, idempotencyKey)
  },
  stop: async () => conversation?.stop(),
})
document.body.append(
  element(
    'div',
    { class: 'page' },
    element('aside', {}, element('h1', {}, 'Runnel'), chats.element, createConnectionLine(client)),
    element('main', {}, stage, composer.element),
  ),
)

// A guest has one chat, and makes none.
chats.element.hidden = isGuest()

let chatId = ''
let conversation: Conversation | null = null

function refreshChats(): void {
  if (!isGuest()) void chats.refresh()
}

/** The address says which chat is open, so that a link opens it in any tab. */
function openFromAddress(): void {
  const id = location.hash.slice(1)
  if (id === chatId && conversation) return
  conversation?.close()
  conversation = null
  chatId = id
  composer.setLive(false)
  composer.setReadOnly(false)
  chats.select(id)
  stage.replaceChildren()
  if (id === '') return
  conversation = openConversation(client, id, {
    onLive: (live) => composer.setLive(live),
    onTitle: (title) => chats.rename(id, title),
    onRole: (role) => composer.setReadOnly(role === 'viewer'),
  })
  stage.append(conversation.element)
  composer.focus()
}

function titleOf(content: string): string {
  const line = content.trim().split('\n', 1)[0]!
  return line.length > titleLength ? `${line.slice(0, titleLength).toWellFormed()} …` : line
}

addEventListener('hashchange', () => {
  // A sign-in or an invite that was pasted into this tab: everything begins anew.
  if (hasCredentials()) location.reload()
  else openFromAddress()
})
client.onChatEvent(({ event }) => {
  if (event !== 'status' && event !== 'read') refreshChats()
})
// What other tabs did while this one was away.
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') refreshChats()
})
let wasOpen = false
client.connection.subscribe(() => {
  const isOpen = client.connection.getSnapshot().status === 'open'
  if (isOpen && !wasOpen) refreshChats()
  wasOpen = isOpen
})
if (invite && isSignedIn()) {
  stage.append(
    createInvitation({
      url,
      invite,
      client,
      token: currentToken,
      joined: (id) => {
        location.hash = id
      },
      declined: () => stage.replaceChildren(),
    }),
  )
} else if (invite) {
  // The link is all that a guest has: its chat is open, and nobody has become a member of it.
  history.replaceState(null, '', `#${invite.chatId}`)
  openFromAddress()
} else openFromAddress()
if (refusal !== null) stage.prepend(element('p', { class: 'fault', role: 'alert' }, refusal))
