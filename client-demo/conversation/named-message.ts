import { useBranch } from '@runnel/client/react'
import { useEffect, useRef } from 'react'
import type { FollowEnd } from './follow-end.ts'

/** Brings the message that the address names into view once it is loaded, on any branch and however far up. */
export function useNamedMessage(chatId: string, messageId: string | null, follow: FollowEnd): void {
  const { entries, choose } = useBranch(chatId)
  const brought = useRef<string | null>(null)
  useEffect(() => {
    if (messageId !== null) choose(messageId)
  }, [messageId, choose])
  useEffect(() => {
    if (messageId === brought.current) return
    const element = messageId && follow.scroller?.querySelector<HTMLElement>(`[data-message-id="${messageId}"]`)
    if (messageId !== null && !element) return
    brought.current = messageId
    if (!element) return
    follow.bring(element)
    element.animate({ backgroundColor: ['var(--accent-bg)', 'transparent'] }, { duration: 1_600, easing: 'ease-in' })
  }, [messageId, entries, follow])
}
