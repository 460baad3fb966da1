import type { ToolCallBlock } from '@runnel/client'
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

/** The colour of a state. `isWanted`: a client is to give its result. */
export const lookOf = ({ status }: ToolCallBlock, isWanted: boolean): Look =>
  isWanted ? 'wait' : (looks[status] ?? 'quiet')

/** Its name, and how it stands as a mark and in words. */
export function CallState({ call, isWanted, mayWrite }: { call: ToolCallBlock; isWanted: boolean; mayWrite: boolean }) {
  const words = useWords().blocks.call
  const look = lookOf(call, isWanted)
  const Icon = call.status === 'pending' && !isWanted ? CircleDashed : icons[look]
  const said = isWanted
    ? mayWrite
      ? words.wantsYourResult
      : words.wantsResult
    : call.status === 'awaiting_approval' && mayWrite
      ? words.wantsYou
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
