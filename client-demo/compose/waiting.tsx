import type { WaitingEntry } from '@runnel/client'
import { useCall, useChat, useRead } from '@runnel/client/react'
import { useState } from 'react'
import { Button, IconButton } from '../ui/button.tsx'
import { Fault } from '../ui/fault.tsx'
import { ArrowDown, ArrowUp, Ellipsis, Paperclip, X } from '../ui/icons.ts'
import { ChoiceMenu } from '../ui/menu.tsx'
import { useWords } from '../words/words.ts'
import { WaitingForm } from './waiting-form.tsx'
import { useRemoveWaiting } from './remove-waiting.ts'

/** The messages that wait behind the answer, in the order in which they will be sent. */
export function Waiting({ chatId, mayWrite }: { chatId: string; mayWrite: boolean }) {
  const { waiting } = useChat(chatId)
  return waiting.length === 0 ? null : <List chatId={chatId} waiting={waiting} mayWrite={mayWrite} />
}

interface ListProps {
  chatId: string
  waiting: readonly WaitingEntry[]
  mayWrite: boolean
}

function List({ chatId, waiting, mayWrite }: ListProps) {
  const words = useWords().compose
  const { data } = useRead(`me in ${chatId}`, (api, signal) => api.listMembers(chatId, { limit: 1 }, { signal }))
  return (
    <ol className="waiting-list" aria-label={words.waits}>
      {waiting.map((entry, index) => (
        <Item
          key={entry.id}
          chatId={chatId}
          entry={entry}
          before={waiting[index - 1]?.id}
          after={waiting[index + 1]?.id}
          isFirst={index === 0}
          isMine={data?.you.id === entry.by.id}
          mayWrite={mayWrite}
        />
      ))}
    </ol>
  )
}

interface ItemProps {
  chatId: string
  entry: WaitingEntry
  /** Its neighbours in the queue. */
  before: string | undefined
  after: string | undefined
  isFirst: boolean
  isMine: boolean
  mayWrite: boolean
}

function Item({ chatId, entry, before, after, isFirst, isMine, mayWrite }: ItemProps) {
  const words = useWords()
  const { id, by, text, shortened, refused, files = [] } = entry
  const [isEdited, setEdited] = useState(false)
  const [sendNow, sending] = useCall(`send ${chatId}`, (api, waitingId: string) => api.sendWaiting(chatId, waitingId))
  const [move, moving] = useCall(
    `move ${chatId}`,
    (api, waitingId: string, place: { before: string } | { after: string }) =>
      api.changeWaiting(chatId, waitingId, place),
  )
  const [remove, removing] = useRemoveWaiting(chatId)
  const mayRemove = mayWrite || isMine
  const { who } = words.compose
  const acts = {
    sendNow: mayWrite && (() => void sendNow(id)),
    edit: mayWrite && (() => setEdited(true)),
    up: mayWrite && before !== undefined && (() => void move(id, { before })),
    down: mayWrite && after !== undefined && (() => void move(id, { after })),
    remove: mayRemove && (() => void remove(entry, after, mayWrite)),
  }
  return (
    <li className="waiting" data-testid="waiting" data-refused={refused !== undefined || undefined}>
      <span className="waiting-who">
        {isFirst ? who.next(isMine ? null : by.name) : who.later(isMine ? null : by.name)}
      </span>
      {isEdited ? (
        <WaitingForm chatId={chatId} entry={entry} close={() => setEdited(false)} />
      ) : (
        <>
          <span className="waiting-text" dir="auto" title={text}>
            {shortened ? `${text} …` : text}
          </span>
          {files.length > 0 && (
            <span className="waiting-files" title={files.map(({ name }) => String(name)).join(', ')}>
              <Paperclip aria-hidden className="icon" /> {words.compose.countFiles(files.length)}
            </span>
          )}
          <span className="waiting-acts wide">
            {acts.up && (
              <IconButton
                label={words.compose.moveUp}
                icon={ArrowUp}
                busy={moving.pending}
                onClick={acts.up}
                data-testid="move-up"
              />
            )}
            {acts.down && (
              <IconButton
                label={words.compose.moveDown}
                icon={ArrowDown}
                busy={moving.pending}
                onClick={acts.down}
                data-testid="move-down"
              />
            )}
            {acts.sendNow && (
              <Button look="quiet" busy={sending.pending} onClick={acts.sendNow} data-testid="send-now">
                {words.compose.sendNow}
              </Button>
            )}
            {acts.edit && (
              <Button look="quiet" onClick={acts.edit} data-testid="edit-waiting">
                {words.compose.edit}
              </Button>
            )}
            {acts.remove && (
              <IconButton
                label={words.compose.remove}
                icon={X}
                busy={removing.pending}
                onClick={acts.remove}
                data-testid="remove-waiting"
              />
            )}
          </span>
          <span className="waiting-acts narrow">
            <ChoiceMenu
              button={<IconButton label={words.app.more} icon={Ellipsis} data-testid="waiting-more" />}
              choices={[
                acts.sendNow && { label: words.compose.sendNow, act: acts.sendNow },
                acts.edit && { label: words.compose.edit, act: acts.edit },
                acts.up && { label: words.compose.moveUp, act: acts.up },
                acts.down && { label: words.compose.moveDown, act: acts.down },
                acts.remove && { label: words.compose.remove, isDangerous: true, act: acts.remove },
              ]}
            />
          </span>
        </>
      )}
      {refused && <Refusal refused={refused} />}
      <Fault error={sending.error ?? moving.error ?? removing.error} />
    </li>
  )
}

/** Why it was not sent when its turn came. */
function Refusal({ refused }: { refused: { code: string; message: string } }) {
  const words = useWords().compose
  return <p className="waiting-refused">{words.notSent(refused.message)}</p>
}
