import { useChats } from '@runnel/client/react'
import { useMemo } from 'react'
import { Fault } from '../ui/fault.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { useWords } from '../words/words.ts'
import { useDeeds } from './deeds.ts'
import { More } from './more.tsx'
import { Rows } from './rows.tsx'

/** The chats that a search found, each with the place that matched. A press opens it there. */
export function Found({ query, chatId, chosen }: { query: string; chatId: string | null; chosen: () => void }) {
  const words = useWords().list
  const { chats, pending, error, refresh, hasMore, loadMore } = useChats({ query })
  const deeds = useDeeds()
  const groups = useMemo(() => [{ name: '', chats }], [chats])
  if (chats.length === 0 && pending) return <Skeleton lines={6} />
  return (
    <Rows
      groups={groups}
      label={words.found}
      chatId={chatId}
      chosen={chosen}
      before={
        <>
          <Fault error={error} retry={refresh} />
          <Fault error={deeds.error} />
          {chats.length === 0 && !error && <p className="none">{words.nothingFound(query)}</p>}
        </>
      }
      after={hasMore && <More load={loadMore} isPending={pending} />}
    />
  )
}
