import { useClient } from '@runnel/client/react'
import { useSyncExternalStore } from 'react'
import { useWords } from '../words/words.ts'

/** `1 of 2 needed`: the place of this call among those that wait for approval. It is mounted only while it waits, when no text grows. */
export function Needed({ messageId, blockId }: { messageId: string; blockId: string }) {
  const words = useWords().blocks.call
  const message = useClient().message(messageId)
  const places = useSyncExternalStore(
    (listener) => message.subscribe(listener),
    () => {
      const waiting = (message.getSnapshot().message?.output ?? []).filter(
        (block) => block.type === 'tool_call' && block.status === 'awaiting_approval',
      )
      return `${waiting.findIndex(({ id }) => id === blockId) + 1} ${waiting.length}`
    },
  )
  const [place = 0, all = 0] = places.split(' ').map(Number)
  return place > 0 && words.needed(place, all)
}
