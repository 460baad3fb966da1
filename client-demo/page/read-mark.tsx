import { isTerminal } from '@runnel/client'
import { useChat, useClient } from '@runnel/client/react'
import { useEffect } from 'react'
import { useVisible } from '../ui/media.ts'

/** What comes together is told once, ms. */
const pauseMs = 300

/** A chat that is seen has been read, on all devices. */
export function ReadMark({ chatId }: { chatId: string }) {
  const { api } = useClient()
  const { messages, status } = useChat(chatId)
  const isSeen = useVisible() && status === 'live'
  const ended = messages.filter(({ status }) => isTerminal(status)).length
  useEffect(() => {
    if (!isSeen) return
    // A mark that is not set is set with the next message; nobody can do anything about it.
    const timer = setTimeout(() => void api.markRead(chatId).catch(() => {}), pauseMs)
    return () => clearTimeout(timer)
  }, [api, chatId, isSeen, messages.length, ended])
  return null
}
