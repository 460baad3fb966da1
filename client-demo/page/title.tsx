import { isTerminal } from '@runnel/client'
import { useChat } from '@runnel/client/react'
import { useEffect, useState } from 'react'
import { useVisible } from '../ui/media.ts'
import { useWords } from '../words/words.ts'

type Standing = 'plain' | 'runs' | 'waits'

/** The tab's title names the open chat and its state. */
export function ChatTitle({ chatId }: { chatId: string }) {
  const words = useWords()
  const { chat, messages, role, status } = useChat(chatId)
  const isVisible = useVisible()
  const live = messages.filter(({ status }) => !isTerminal(status))
  const mayDecide = role === 'owner' || role === 'editor'
  const standing: Standing =
    mayDecide && live.some(({ status }) => status === 'waiting') ? 'waits' : live.length > 0 ? 'runs' : 'plain'
  // An answer that ended unseen is marked until somebody sees it.
  const [last, setLast] = useState(standing)
  const [hasEnded, setEnded] = useState(false)
  if (standing !== last) {
    setLast(standing)
    setEnded(standing === 'plain' && !isVisible)
  }
  if (isVisible && hasEnded) setEnded(false)
  // People who may no longer read a chat must not see its name either.
  const isGone = status === 'refused' || status === 'diverged'
  const name = isGone || !chat ? '' : chat.title || words.list.untitled
  const form = name === '' ? 'plain' : hasEnded ? 'ended' : standing
  return <Title text={words.page.title[form](name)} />
}

/** No chat is open. */
export function PlainTitle() {
  const words = useWords()
  return <Title text={words.page.title.plain('')} />
}

function Title({ text }: { text: string }) {
  useEffect(() => {
    document.title = text
  }, [text])
  return null
}
