import { RunnelProvider } from '@runnel/client/react'
import { useState, type MouseEvent } from 'react'
import { useAddress } from './address.ts'
import { Conversation } from './conversation/conversation.tsx'
import { Greeting } from './conversation/greeting.tsx'
import { ChatList } from './list/chat-list.tsx'
import { Invitation } from './sign-in/invitation.tsx'
import { SignInGate } from './sign-in/gate.tsx'
import type { Session } from './sign-in/session.ts'
import { Announcer } from './ui/announcer.tsx'
import { UndoBar } from './ui/undo.tsx'
import { line } from './wire/line.ts'
import { Wire } from './wire/wire.tsx'
import { useWords } from './words/words.ts'
import './app.css'

/** The frame of the page: the list, the open chat, and what is under it. */
export function App({ url, session }: { url: string; session: Session }) {
  const [options] = useState({ url, ...line, token: session.token })
  return (
    <RunnelProvider options={options}>
      <Page url={url} session={session} />
    </RunnelProvider>
  )
}

function Page({ url, session }: { url: string; session: Session }) {
  const words = useWords().app
  const { chatId, messageId } = useAddress()
  const [isListOpen, setListOpen] = useState(false)
  const openList = session.isGuest ? undefined : () => setListOpen(true)
  return (
    <div className="page" data-list={isListOpen ? 'open' : undefined}>
      <a className="skip" href="#composer" onClick={skip}>
        {words.skip}
      </a>
      {!session.isGuest && <ChatList chatId={chatId} close={() => setListOpen(false)} />}
      {session.invite ? (
        <Invitation url={url} invite={session.invite} token={session.currentToken} />
      ) : chatId === null ? (
        <Greeting openList={openList} />
      ) : (
        <Conversation key={chatId} chatId={chatId} messageId={messageId} openList={openList} />
      )}
      {chatId !== null && <Wire chatId={chatId} />}
      <UndoBar />
      <SignInGate url={url} session={session} />
      <Announcer />
    </div>
  )
}

/** The address names the chat, so the link may not change it. Where nobody may write, what is to be read has the focus. */
function skip(event: MouseEvent): void {
  event.preventDefault()
  const to = document.querySelector<HTMLElement>('#composer') ?? document.querySelector<HTMLElement>('.scroll')
  to?.focus()
}
