import { useBranch, useLoadOlder, useMessage } from '@runnel/client/react'
import { useEffect, useRef, useState } from 'react'
import { Button } from '../ui/button.tsx'
import { Fault } from '../ui/fault.tsx'
import { useWords } from '../words/words.ts'
import type { FollowEnd } from './follow-end.ts'

/** Older messages are loaded when the reader is this near to the first, as a share of the window. */
const nearTop = '150%'
/** Up to this many answers are loaded without scrolling, so that find-in-page finds their text. */
const answersByThemselves = 1_000
const restMs = 300

/** The place above the first message, where older ones are loaded automatically or by a button. */
export function Older({ chatId, follow }: { chatId: string; follow: FollowEnd }) {
  const { entries, hasOlder } = useBranch(chatId)
  const answer = entries.findLast(({ message }) => message.role === 'assistant')?.message.id
  if (!hasOlder || answer === undefined) return null
  return <OlderOnes chatId={chatId} answer={answer} follow={follow} />
}

/** `answer`: the last one. Until it is on show nothing comes by itself: the end is what the chat is opened for. */
function OlderOnes({ chatId, answer, follow }: { chatId: string; answer: string; follow: FollowEnd }) {
  const words = useWords().conversation
  const { entries } = useBranch(chatId)
  const isOpen = useMessage(answer).status !== 'loading'
  const [loadOlder, { pending, error }] = useLoadOlder(chatId)
  const edge = useRef<HTMLDivElement>(null)
  const isWantedAtOnce = useSearching()
  const first = entries[0]?.message.id
  const isFailed = error !== null
  const isFew = entries.length < 2 * answersByThemselves

  useEffect(() => {
    if (!isOpen || isFailed) return
    const seen = new IntersectionObserver(([entry]) => entry?.isIntersecting && void loadOlder(), {
      root: follow.scroller,
      rootMargin: `${nearTop} 0px 0px`,
    })
    seen.observe(edge.current!)
    return () => seen.disconnect()
  }, [isOpen, isFailed, first, loadOlder, follow])

  useEffect(() => {
    if (!isOpen || isFailed || !isFew || savesData()) return
    if (isWantedAtOnce) return void loadOlder()
    const timer = setInterval(() => {
      if (!document.hidden && follow.restedFor > restMs) void loadOlder()
    }, restMs)
    return () => clearInterval(timer)
  }, [isOpen, isFailed, isFew, isWantedAtOnce, first, loadOlder, follow])

  return (
    <div className="older" ref={edge}>
      <Button look="quiet" busy={pending} onClick={() => void loadOlder()} data-testid="older">
        {words.older}
      </Button>
      <Fault error={error} />
    </div>
  )
}

/** The person has started find-in-page. */
function useSearching(): boolean {
  const [isSearching, setSearching] = useState(false)
  useEffect(() => {
    const pressed = ({ key, ctrlKey, metaKey }: KeyboardEvent) => {
      if (key === 'F3' || ((ctrlKey || metaKey) && key === 'f')) setSearching(true)
    }
    addEventListener('keydown', pressed)
    return () => removeEventListener('keydown', pressed)
  }, [])
  return isSearching
}

const savesData = () => (navigator as { connection?: { saveData?: boolean } }).connection?.saveData === true
