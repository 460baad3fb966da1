import { useBranch, useChat } from '@runnel/client/react'
import { useEffect, useRef } from 'react'
import { Composer } from '../compose/composer.tsx'
import { ComposerPlace } from '../compose/place.tsx'
import { Waiting } from '../compose/waiting.tsx'
import { Gone, useIsGone } from '../header/gone.tsx'
import { ChatHeader } from '../header/header.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { useWords } from '../words/words.ts'
import { useFarAway } from './far-away.ts'
import { useFollowEnd } from './follow-end.ts'
import { isMadeHere } from './made.ts'
import { Messages } from './messages.tsx'
import { useNamedMessage } from './named-message.ts'
import { Older } from './older.tsx'
import { useProgressSaid } from './progress.ts'
import { onSaidHere } from './said.ts'
import { useScrollKeys } from './scroll-keys.ts'
import { ToEnd } from './to-end.tsx'
import './conversation.css'

export interface ConversationProps {
  chatId: string
  /** A message that the address names. It is brought into view. */
  messageId: string | null
  openList: (() => void) | undefined
}

/** One open chat: its header, the branch on show, waiting messages, and the composer. */
export function Conversation({ chatId, messageId, openList }: ConversationProps) {
  const words = useWords().conversation
  const chat = useChat(chatId)
  const { entries } = useBranch(chatId)
  const main = useRef<HTMLElement>(null)
  const follow = useFollowEnd()
  useFarAway(entries, follow)
  useScrollKeys(main, follow)
  useNamedMessage(chatId, messageId, follow)
  useProgressSaid(chatId)
  useEffect(() => onSaidHere((said) => said === chatId && follow.toEnd()), [chatId, follow])
  // The line has not said it yet.
  const isOpening = chat.role === null && chat.status !== 'refused'
  const mayWrite = chat.role === 'owner' || chat.role === 'editor' || (isOpening && isMadeHere(chatId))
  const isGone = useIsGone(chatId)
  return (
    <main className="conversation" aria-label={words.label} ref={main}>
      <ChatHeader chatId={chatId} openList={openList} />
      <div className="scroll" tabIndex={-1}>
        <div className="column" role="log" aria-live="off" aria-label={words.label} ref={follow.attach}>
          {isGone ? (
            <Gone chatId={chatId} />
          ) : chat.status === 'loading' && entries.length === 0 ? (
            <Skeleton />
          ) : (
            <>
              <Older chatId={chatId} follow={follow} />
              <Messages chatId={chatId} mayWrite={mayWrite} />
            </>
          )}
        </div>
        <ToEnd follow={follow} />
      </div>
      {!isGone && (
        <footer className="foot">
          <Waiting chatId={chatId} mayWrite={mayWrite} />
          {mayWrite ? <Composer chatId={chatId} /> : isOpening && <ComposerPlace />}
        </footer>
      )}
    </main>
  )
}
