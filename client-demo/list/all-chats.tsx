import { useChat, useChats } from '@runnel/client/react'
import { useMemo } from 'react'
import { addressOf } from '../address.ts'
import { Fault } from '../ui/fault.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { useWords } from '../words/words.ts'
import { useDeeds } from './deeds.ts'
import { groupsOf } from './groups.ts'
import { More } from './more.tsx'
import { Rows } from './rows.tsx'
import { useToday } from './today.ts'

/** All chats of this user by time, loaded page by page. */
export function AllChats({ chatId, chosen }: { chatId: string | null; chosen: () => void }) {
  const words = useWords().list
  const { chats, pending, error, refresh, hasMore, loadMore } = useChats()
  const now = useToday()
  const deeds = useDeeds()
  const groups = useMemo(() => groupsOf(chats, words, now, document.documentElement.lang), [chats, words, now])
  const isListed = chatId === null || chats.some(({ id }) => id === chatId)
  if (chats.length === 0 && pending) return <Skeleton lines={6} />
  return (
    <Rows
      groups={groups}
      label={words.label}
      chatId={chatId}
      chosen={chosen}
      before={
        <>
          <Fault error={error} retry={refresh} />
          <Fault error={deeds.error} />
          {!isListed && !deeds.hidden.has(chatId) && <OpenNow chatId={chatId} chosen={chosen} />}
          {chats.length === 0 && !error && <p className="none">{words.empty}</p>}
        </>
      }
      after={hasMore && <More load={loadMore} isPending={pending} />}
    />
  )
}

/** The open chat, if its page of the list has not been loaded yet. */
function OpenNow({ chatId, chosen }: { chatId: string; chosen: () => void }) {
  const words = useWords().list
  const { chat } = useChat(chatId)
  if (!chat) return null
  return (
    <section aria-label={words.open}>
      <h2 className="group">{words.open}</h2>
      <div className="row">
        <a className="chat" href={addressOf(chatId)} aria-current="page" onClick={chosen}>
          <span className="chat-title" dir="auto">
            {chat.title || words.untitled}
          </span>
        </a>
      </div>
    </section>
  )
}
