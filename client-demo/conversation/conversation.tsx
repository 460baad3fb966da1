import { useBranch, useChat } from '@runnel/client/react'
import { useEffect, useRef } from 'react'
import { Composer } from '../compose/composer.tsx'
import { Waiting } from '../compose/waiting.tsx'
import { Gone, useIsGone } from '../header/gone.tsx'
import { ChatHeader } from '../header/header.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { useWords } from '../words/words.ts'
import { Messages } from './messages.tsx'
import { useFollowEnd } from './follow-end.ts'
import './conversation.css'

export interface ConversationProps {
  chatId: string
  /** A message that the address names: it is brought into view. */
  messageId: string | null
  openList: (() => void) | undefined
}

/** One open chat: its header, the branch on show, what waits, and the composer. */
export function Conversation({ chatId, messageId, openList }: ConversationProps) {
  const words = useWords().conversation
  const chat = useChat(chatId)
  const { entries, choose } = useBranch(chatId)
  const scroller = useRef<HTMLDivElement>(null)
  const { isAway, toEnd } = useFollowEnd(scroller)
  useEffect(() => {
    if (messageId !== null) choose(messageId)
  }, [messageId, choose])
  const mayWrite = chat.role === 'owner' || chat.role === 'editor'
  const isGone = useIsGone(chatId)
  return (
    <main className="conversation" aria-label={words.label}>
      <ChatHeader chatId={chatId} openList={openList} />
      <div className="scroll" ref={scroller} tabIndex={-1}>
        <div className="column" role="log" aria-live="off">
          {isGone ? (
            <Gone chatId={chatId} />
          ) : chat.status === 'loading' && entries.length === 0 ? (
            <Skeleton />
          ) : (
            <Messages chatId={chatId} mayWrite={mayWrite} />
          )}
        </div>
        {isAway && <button type="button" className="to-end" onClick={toEnd} />}
      </div>
      {!isGone && (
        <footer className="foot">
          <Waiting chatId={chatId} mayWrite={mayWrite} />
          {mayWrite && <Composer chatId={chatId} />}
        </footer>
      )}
    </main>
  )
}
