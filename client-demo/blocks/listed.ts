import type { Block } from '@runnel/client'
import { useClient } from '@runnel/client/react'
import { useMemo, useSyncExternalStore } from 'react'

export type SourceBlock = Extract<Block, { type: 'source' }>

const none: readonly SourceBlock[] = []

/** The sources that stand in an answer by themselves, in their order; none where its text has those of its own. */
export function useListed(messageId: string): readonly SourceBlock[] {
  const live = useClient().message(messageId)
  const read = useMemo(() => {
    let last = none
    return () => {
      const output = live.getSnapshot().message?.output ?? []
      const hasOwn = output.some((block) => block.type === 'text' && block.annotations.length > 0)
      const now = hasOwn ? none : output.filter((block) => block.type === 'source')
      if (now.length !== last.length || now.some((block, index) => block !== last[index])) last = now
      return last
    }
  }, [live])
  return useSyncExternalStore(live.subscribe, read, read)
}

/** Of the chip of such a source, on the page. */
export const chipOf = (blockId: string): string => `source-${blockId}`
