import { isTerminal, type MessageStatus, type ToolCallBlock } from '@runnel/client'
import { Check, CircleAlert, CircleDashed, CircleSlash, type LucideIcon } from '../ui/icons.ts'
import { useWords } from '../words/words.ts'

type Look = 'live' | 'wait' | 'good' | 'bad' | 'quiet'

const looks: Partial<Record<ToolCallBlock['status'], Look>> = {
  streaming: 'live',
  running: 'live',
  awaiting_approval: 'wait',
  completed: 'good',
  failed: 'bad',
}
const icons: Record<Look, LucideIcon | null> = {
  live: null,
  wait: CircleAlert,
  good: Check,
  bad: CircleAlert,
  quiet: CircleSlash,
}

/** The colour of a state. `isWanted`: a client should give the result. */
export const lookOf = ({ status }: ToolCallBlock, isWanted: boolean): Look =>
  isWanted ? 'wait' : (looks[status] ?? 'quiet')

/** The name of a call, and its state as an icon and in words. */
export function CallState({
  call,
  message,
  isWanted,
  mayWrite,
}: {
  call: ToolCallBlock
  message: MessageStatus
  isWanted: boolean
  mayWrite: boolean
}) {
  const words = useWords().blocks.call
  // The answer has ended with this call: the server has no such tool, so another program may run it.
  const isLeft = call.status === 'pending' && isTerminal(message)
  const look = lookOf(call, isWanted)
  const Icon = call.status === 'pending' && !isWanted && !isLeft ? CircleDashed : icons[look]
  const said = isWanted
    ? mayWrite
      ? words.wantsYourResult
      : words.wantsResult
    : call.status === 'awaiting_approval' && mayWrite
      ? words.wantsYou
      : isLeft
        ? words.notRun
        : words.state[call.status]
  return (
    <>
      {Icon ? <Icon aria-hidden className="icon tool-icon" /> : <i className="live-dot" />}
      <b className="tool-name">{call.name}</b>
      <span className="tool-state" data-testid="call-status">
        {said}
      </span>
    </>
  )
}
