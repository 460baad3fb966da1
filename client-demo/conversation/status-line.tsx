import { isTerminal, type Message, type MessageFields, type MessageStatus } from '@runnel/client'
import { useClient, useMessage, useTasks, type BlockRef } from '@runnel/client/react'
import { useSyncExternalStore } from 'react'
import { Fault } from '../ui/fault.tsx'
import { useWords } from '../words/words.ts'
import { usePeople } from './people.tsx'

/** The state of an answer, in a line below it. Nothing if the answer shows it itself. `listed`: its status in the chat's list. */
export function StatusLine({ messageId, listed }: { messageId: string; listed: MessageStatus }) {
  const words = useWords().conversation
  const { message, blocks, ...copy } = useMessage(messageId)
  const status = message?.status ?? listed
  if (copy.status === 'refused' || copy.status === 'diverged') return <Fault error={copy.error} />
  if (copy.status === 'lagging') return <Line>{words.catchingUp}</Line>
  if (status === 'queued') return <InLine messageId={messageId} />
  if (status === 'preparing') return <Line isLive>{words.preparing}</Line>
  if (status === 'waiting') return <WaitsFor messageId={messageId} />
  if (status === 'streaming') return blocks.length === 0 && <Line isLive>{words.thinking}</Line>
  return message && <Ended message={message} blocks={blocks} />
}

function Line({ isLive, children }: { isLive?: boolean; children: string }) {
  return (
    <p className="status-line" data-live={isLive} data-testid="note">
      {children}
    </p>
  )
}

/** Waits behind other runs. The place is known only for this user's own runs. */
function InLine({ messageId }: { messageId: string }) {
  const words = useWords().conversation
  const { tasks } = useTasks()
  const place = tasks.find((task) => task.messageId === messageId)?.place
  return <Line isLive>{place === undefined ? words.queued : words.queuedAt(place)}</Line>
}

function WaitsFor({ messageId }: { messageId: string }) {
  const words = useWords().conversation
  const live = useClient().message(messageId)
  const needs = useSyncExternalStore(live.subscribe, () => needsOf(live.getSnapshot().message?.output ?? []))
  return <Line isLive={needs === 'toolRuns'}>{words[needs]}</Line>
}

function needsOf(output: Message['output']): 'waitsForApproval' | 'waitsForResult' | 'toolRuns' {
  const calls = output.filter((block) => block.type === 'tool_call')
  if (calls.some(({ status }) => status === 'awaiting_approval')) return 'waitsForApproval'
  return calls.some(({ status, executor }) => status === 'pending' && executor === 'client')
    ? 'waitsForResult'
    : 'toolRuns'
}

/** How an answer ended, if it was not simply completed. */
function Ended({ message, blocks }: { message: MessageFields; blocks: readonly BlockRef[] }) {
  const words = useWords().conversation
  const { me } = usePeople()
  const { status, stoppedBy, error, note, finishReason } = message
  // An error among the blocks is not shown twice.
  const saysError = blocks.some(({ type }) => type === 'error')
  if (error && !saysError && status !== 'completed') return <Fault error={error} />
  if (status === 'stopped') {
    if (!stoppedBy || me === null) return <Line>{words.stopped}</Line>
    return <Line>{stoppedBy.id === me ? words.stoppedByYou : words.stoppedBy(stoppedBy.name)}</Line>
  }
  if (status === 'failed') return !saysError && <Line>{words.failed}</Line>
  if (status === 'interrupted') return <Line>{words.interrupted}</Line>
  if (note !== undefined) return <Line>{note}</Line>
  if (finishReason === 'length') return <Line>{words.cut}</Line>
  if (finishReason === 'content_filter') return <Line>{words.filtered}</Line>
  return blocks.length === 0 && <Line>{words.empty}</Line>
}

/** Whether it ended before it was finished, so that somebody can continue it. */
export function mayGoOn(message: MessageFields | null): boolean {
  return (
    message !== null &&
    isTerminal(message.status) &&
    (message.status !== 'completed' || message.finishReason === 'length')
  )
}
