import { isTerminal, type ChatMessage } from '@runnel/client'
import { useBranch, useChat, useClient, useMessage, useStop } from '@runnel/client/react'
import { memo, useEffect, useMemo } from 'react'
import { Button, IconButton } from '../ui/button.tsx'
import { Fault } from '../ui/fault.tsx'
import { Square, X } from '../ui/icons.ts'
import { Skeleton } from '../ui/skeleton.tsx'
import { useWords } from '../words/words.ts'
import { OneAnswer } from './one-answer.tsx'
import type { MessageProps } from './question.tsx'
import { askAgain, askTheRest, endSideBySide, leaveOut, useSideBySideGroup, withoutAnswer } from './side-by-side.ts'
import './columns.css'

/** The answers of several models to one question, in columns, until the person goes on with one. */
export default function Columns({ chatId, entry, mayWrite }: MessageProps) {
  const words = useWords().conversation
  const client = useClient()
  const { entries } = useBranch(chatId)
  const { messages } = useChat(chatId)
  const group = useSideBySideGroup(chatId)
  // Ask the models that a reload interrupted, or that waited behind another answer.
  useEffect(() => void askTheRest(client, chatId), [client, chatId])
  const { message, siblings } = entry
  const pending = group ? withoutAnswer(group, siblings.length) : []
  const isLast = entries.at(-1)?.message.id === message.id
  if (!isLast || siblings.length + pending.length < 2)
    return <OneAnswer chatId={chatId} entry={entry} mayWrite={mayWrite} />
  const byId = new Map(messages.map((one) => [one.id, one]))
  return (
    <div className="columns" data-count={siblings.length + pending.length}>
      <header className="columns-head">
        <h2>{words.columns}</h2>
        <Button look="quiet" icon={X} onClick={() => endSideBySide(chatId)} data-testid="close-columns">
          {words.closeColumns}
        </Button>
      </header>
      <div className="columns-row" role="group" aria-label={words.columns} tabIndex={0} data-testid="columns">
        {siblings.map((id) => {
          const one = byId.get(id)
          return (
            one && <Column key={id} chatId={chatId} message={one} mayWrite={mayWrite} isOnShow={id === message.id} />
          )
        })}
        {pending.map(({ model, key, error }) => (
          <section key={key} className="answer-column" aria-label={model} data-testid="column">
            <header className="answer-column-head">
              <h3>{model}</h3>
              {error && <IconButton label={words.closeColumns} icon={X} onClick={() => leaveOut(chatId, key)} />}
            </header>
            {error ? <Fault error={error} retry={() => askAgain(client, chatId, key)} /> : <Skeleton />}
          </section>
        ))}
      </div>
    </div>
  )
}

interface ColumnProps {
  chatId: string
  message: ChatMessage
  mayWrite: boolean
  /** Whether the next question follows this answer. */
  isOnShow: boolean
}

const Column = memo(function Column({ chatId, message, mayWrite, isOnShow }: ColumnProps) {
  const words = useWords().conversation
  const client = useClient()
  const { message: live } = useMessage(message.id)
  const [stop, stopping] = useStop(message.id)
  const model = live?.model ?? message.model ?? ''
  // The other versions are shown beside it.
  const entry = useMemo(() => ({ message, siblings: [message.id], index: 0 }), [message])
  const isLive = !isTerminal(live?.status ?? message.status)
  const goOn = () => {
    client.chat(chatId).branch.choose(message.id)
    endSideBySide(chatId)
  }
  return (
    <section
      className="answer-column"
      aria-label={model}
      aria-current={isOnShow || undefined}
      data-testid="column"
      data-message-id={message.id}
    >
      <header className="answer-column-head">
        <h3 title={isOnShow ? words.goesOn : undefined}>{model}</h3>
        {mayWrite && isLive && (
          <Button
            look="quiet"
            icon={Square}
            busy={stopping.pending}
            onClick={() => void stop()}
            data-testid="stop-column"
          >
            {words.stop}
          </Button>
        )}
      </header>
      <OneAnswer chatId={chatId} entry={entry} mayWrite={mayWrite} />
      <Fault error={isLive ? stopping.error : null} />
      {mayWrite && (
        <Button onClick={goOn} data-testid="go-on-with">
          {words.goOnWith}
        </Button>
      )}
    </section>
  )
})
