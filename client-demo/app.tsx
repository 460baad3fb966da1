import { RunnelProvider } from '@runnel/client/react'
import { lazy, Suspense, useCallback, useState, type MouseEvent } from 'react'
import { useAddress } from './address.ts'
import { Conversation } from './conversation/conversation.tsx'
import { Greeting } from './conversation/greeting.tsx'
import { useListFrame } from './list/frame.ts'
import { Side } from './list/side.tsx'
import { Broken } from './page/broken.tsx'
import { usePageKeys } from './page/keys.ts'
import { useSheet } from './page/sheets.ts'
import { Invitation } from './sign-in/invitation.tsx'
import { SignInGate } from './sign-in/gate.tsx'
import type { Session } from './sign-in/session.ts'
import { Announcer } from './ui/announcer.tsx'
import { UndoBar } from './ui/undo.tsx'
import { line } from './wire/line.ts'
import { Wire } from './wire/wire.tsx'
import { useWords } from './words/words.ts'
import './app.css'

const Attention = lazy(() => import('./page/attention.tsx'))
const OpenSheet = lazy(() => import('./page/sheet.tsx'))

/** The frame of the page: the list, the open chat, and the panel of the connection. */
export function App({ url, session }: { url: string; session: Session }) {
  const [options] = useState({ url, ...line, token: session.token })
  return (
    <Broken>
      <RunnelProvider options={options}>
        <Page url={url} session={session} />
      </RunnelProvider>
    </Broken>
  )
}

function Page({ url, session }: { url: string; session: Session }) {
  const words = useWords().app
  const { chatId, messageId } = useAddress()
  const frame = useListFrame()
  const sheet = useSheet()
  const [searches, setSearches] = useState(0)
  const hasList = !session.isGuest
  const { show } = frame
  const search = useCallback(() => {
    if (!hasList) return
    show()
    setSearches((last) => last + 1)
  }, [hasList, show])
  usePageKeys(search)
  const isCovered = hasList && frame.isDrawer && frame.isShown
  const openList = hasList && (frame.isDrawer || !frame.isShown) ? show : undefined
  return (
    <div className="page">
      <a className="skip" href="#composer" onClick={skip} inert={isCovered}>
        {words.skip}
      </a>
      {hasList && <Side frame={frame} chatId={chatId} searches={searches} />}
      <div className="stage" inert={isCovered}>
        {session.invite ? (
          <Invitation url={url} invite={session.invite} token={session.currentToken} />
        ) : chatId === null ? (
          <Greeting openList={openList} />
        ) : (
          <Conversation key={chatId} chatId={chatId} messageId={messageId} openList={openList} />
        )}
        {chatId !== null && <Wire chatId={chatId} />}
      </div>
      <UndoBar />
      <SignInGate url={url} session={session} />
      <Announcer />
      <Suspense>
        <Attention chatId={chatId} isGuest={session.isGuest} />
        {sheet && <OpenSheet sheet={sheet} />}
      </Suspense>
    </div>
  )
}

/** The address names the chat, so this link must not change it. If this person may not write, the messages get the focus. */
function skip(event: MouseEvent): void {
  event.preventDefault()
  const to = document.querySelector<HTMLElement>('#composer') ?? document.querySelector<HTMLElement>('.scroll')
  to?.focus()
}
