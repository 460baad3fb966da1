import { isTerminal } from '@runnel/client'
import { useChat, useClient } from '@runnel/client/react'
import { useEffect } from 'react'
import { useVisible } from '../ui/media.ts'

/** Messages that arrive within this time are marked together, ms. */
const pauseMs = 300

/** Marks the chat that is in view as read, on all devices. */
export function ReadMark({ chatId }: { chatId: string }) {
  const { api } = useClient()
  const { messages, status } = useChat(chatId)
  const isSeen = useVisible() && status === 'live'
  const ended = messages.filter(({ status }) => isTerminal(status)).length
  useEffect(() => {
    if (!isSeen) return
    // If this fails, the next message sets the mark. The person need not know.
    const timer = setTimeout(() => void api.markRead(chatId).catch(() => {}), pauseMs)
    return () => clearTimeout(timer)
  }, [api, chatId, isSeen, messages.length, ended])
  return null
}
