import { isTerminal, type MessageStatus } from '@runnel/client'
import { useBranch } from '@runnel/client/react'
import { useEffect, useRef } from 'react'
import { announce } from '../ui/announcer.tsx'
import { wordsNow } from '../words/words.ts'

/** Tells screen readers when the last answer on show begins, needs somebody, or ends. Its text is not read out; people can read it themselves. */
export function useProgressSaid(chatId: string): void {
  const { entries } = useBranch(chatId)
  const last = entries.findLast(({ message }) => message.role === 'assistant')?.message
  const id = last?.id
  const status = last?.status
  const seen = useRef<{ id: string; step: Step } | null>(null)
  const isOpen = entries.length > 0
  useEffect(() => {
    const before = seen.current
    const step = status && stepOf(status)
    if (id === undefined || !step) {
      // While the chat is being loaded nothing is news.
      if (isOpen) seen.current = { id: '', step: 'ended' }
      return
    }
    seen.current = { id, step }
    if (!before || (before.id === id && before.step === step)) return
    // Another branch was chosen, and its answer is there already.
    if (before.id !== id && step === 'ended') return
    const words = wordsNow().follow
    announce(step === 'ended' ? words.ended[status as keyof typeof words.ended] : words[step])
  }, [id, status, isOpen])
}

type Step = 'begun' | 'waits' | 'ended'

function stepOf(status: MessageStatus): Step {
  if (isTerminal(status)) return 'ended'
  return status === 'waiting' ? 'waits' : 'begun'
}
