import type { MessageStatus, ToolCallBlock } from '@runnel/client'
import { useBlock } from '@runnel/client/react'
import { memo, useMemo, useRef, useState } from 'react'
import { ChevronRight } from '../ui/icons.ts'
import { useWords } from '../words/words.ts'
import { Approval } from './approval.tsx'
import type { BlockProps } from './block-props.ts'
import { CallResult } from './call-result.tsx'
import { CallState, lookOf } from './call-state.tsx'
import { ByLine } from './by-line.tsx'
import { useElapsed, useSeenRun } from './elapsed.ts'
import { Fold } from './fold.tsx'
import { prettyJson } from './json-text.ts'
import { GrowingText, LongText } from './long-text.tsx'
import { Needed } from './needed.tsx'
import './tool-call.css'

/** A result longer than this is folded once it is complete. */
const longOutput = 500
/** Longer arguments are shown as they came: nobody reads them indented. */
const longArguments = 1_000_000

export default memo(function ToolCall({ messageId, blockId, status, mayWrite }: BlockProps) {
  const block = useBlock(messageId, blockId)
  return block?.type === 'tool_call' && <Card call={block} messageId={messageId} message={status} mayWrite={mayWrite} />
})

interface CardProps {
  call: ToolCallBlock
  messageId: string
  message: MessageStatus
  mayWrite: boolean
}

/** One tool call: its state, its arguments and its result. */
function Card({ call, messageId, message, mayWrite }: CardProps) {
  const words = useWords().blocks
  const head = useRef<HTMLButtonElement>(null)
  const [chosen, choose] = useState<boolean | null>(null)
  const isWanted = call.status === 'pending' && call.executor === 'client' && message === 'waiting'
  const needsApproval = call.status === 'awaiting_approval'
  const isLive = call.status === 'streaming' || call.status === 'running'
  const isOpen = chosen ?? (isLive || needsApproval || isWanted)
  const run = useSeenRun(call.status === 'running')
  const elapsed = useElapsed(run.since)
  const time = run.took ?? (run.since !== null && elapsed >= 1_000 ? Math.floor(elapsed / 1_000) * 1_000 : null)
  const glimpse = useGlimpse(call)
  const body = `${call.id}-body`
  // When the form closes, the focus moves to the call, for people who use the keyboard.
  const onAnswered = () => head.current?.focus()
  return (
    <div className="tool" data-look={lookOf(call, isWanted)} data-call-id={call.callId} data-status={call.status}>
      <button
        ref={head}
        type="button"
        className="tool-head"
        aria-expanded={isOpen}
        aria-controls={body}
        onClick={() => choose(!isOpen)}
      >
        <CallState call={call} message={message} isWanted={isWanted} mayWrite={mayWrite} />
        {!isOpen && (
          <span className="tool-glimpse" dir="auto">
            {glimpse}
          </span>
        )}
        <span className="tool-end">
          {needsApproval ? (
            <Needed messageId={messageId} blockId={call.id} />
          ) : (
            time !== null && <span data-testid="call-time">{words.duration(time)}</span>
          )}
        </span>
        <ChevronRight aria-hidden className="icon tool-mark" />
      </button>
      {isLive && call.progress !== undefined && call.progress !== '' && (
        <p className="tool-line" dir="auto" data-testid="call-progress">
          {call.progress}
        </p>
      )}
      {call.error !== undefined && call.error !== '' && (
        <p className="tool-line fault" dir="auto" data-testid="call-error">
          {call.error}
        </p>
      )}
      <div className="tool-body" id={body} hidden={!isOpen}>
        <Arguments
          call={call}
          messageId={messageId}
          isMain={needsApproval || isWanted || call.status === 'streaming'}
        />
        {needsApproval && mayWrite && <Approval messageId={messageId} call={call} onAnswered={onAnswered} />}
        {isWanted && mayWrite && <CallResult messageId={messageId} call={call} onAnswered={onAnswered} />}
        {call.output !== undefined && <Output call={call} messageId={messageId} />}
        <ByLine call={call} messageId={messageId} />
      </div>
    </div>
  )
}

/** Its arguments in short, for a closed card. */
function useGlimpse({ arguments: text, status }: ToolCallBlock): string {
  return useMemo(() => {
    if (status === 'streaming' || text.length > 10_000) return ''
    try {
      const values = Object.values(JSON.parse(text) as object)
      return values
        .filter((value) => typeof value === 'string' || typeof value === 'number')
        .join(' · ')
        .slice(0, 200)
    } catch {
      return ''
    }
  }, [text, status])
}

/** Shown in pieces while they are streamed, then indented. */
function Arguments({ call, messageId, isMain }: { call: ToolCallBlock; messageId: string; isMain: boolean }) {
  const words = useWords().blocks.call
  const isWhole = call.status !== 'streaming'
  const shown = <ArgumentsText call={call} messageId={messageId} isWhole={isWhole} />
  return (
    <>
      {isMain
        ? shown
        : call.arguments !== '' && (
            <Fold isOpen={call.output === undefined} label={words.arguments}>
              {shown}
            </Fold>
          )}
      {call.originalArguments !== undefined && (
        <Fold isOpen={false} label={words.originalArguments}>
          <LongText text={laidOut(call.originalArguments)} />
        </Fold>
      )}
    </>
  )
}

const laidOut = (text: string) => (text.length > longArguments ? null : prettyJson(text)) ?? text

function ArgumentsText({ call, messageId, isWhole }: { call: ToolCallBlock; messageId: string; isWhole: boolean }) {
  const pretty = useMemo(() => (isWhole ? laidOut(call.arguments) : ''), [isWhole, call.arguments])
  return isWhole ? (
    <LongText text={pretty} />
  ) : (
    <GrowingText messageId={messageId} blockId={call.id} field="arguments" />
  )
}

function Output({ call, messageId }: { call: ToolCallBlock; messageId: string }) {
  const words = useWords().blocks
  const { output = '', status } = call
  const isLong = output.length > longOutput
  const label = isLong ? words.call.longResult(words.characters(output.length)) : words.call.result
  const isRunning = status === 'running'
  const pretty = useMemo(() => (isRunning || !/^\s*[{[]/.test(output) ? null : laidOut(output)), [isRunning, output])
  return (
    <Fold isOpen={isRunning || !isLong} label={label}>
      {pretty === null ? (
        <GrowingText messageId={messageId} blockId={call.id} field="output" />
      ) : (
        <LongText text={pretty} />
      )}
    </Fold>
  )
}
