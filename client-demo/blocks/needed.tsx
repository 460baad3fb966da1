import { useClient } from '@runnel/client/react'
import { useSyncExternalStore } from 'react'
import { useWords } from '../words/words.ts'

/** `1 of 2 needed`: which of the calls that wait for an approval this one is. Mounted while it waits: no text grows then. */
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
