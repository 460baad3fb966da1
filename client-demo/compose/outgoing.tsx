import { useConnection } from '@runnel/client/react'
import { useEffect, useState, useSyncExternalStore } from 'react'
import { announce } from '../ui/announcer.tsx'
import { Button, IconButton } from '../ui/button.tsx'
import { X } from '../ui/icons.ts'
import { useWords } from '../words/words.ts'
import { AttachmentList } from './attachment-list.tsx'
import type { Outbox, Outgoing } from './outbox.ts'

/** Questions that take less time than this to send are not shown here. */
const quickMs = 500

/** The questions of a field that have not reached the server yet. */
export function OutgoingList({ outbox, field, writer }: { outbox: Outbox; field: string; writer: string }) {
  const words = useWords().compose
  const entries = useSyncExternalStore(outbox.subscribe, outbox.entries)
  const mine = entries.filter((one) => one.field === field && one.writer === writer)
  if (mine.length === 0) return null
  return (
    <ol className="waiting-list" aria-label={words.onTheWay}>
      {mine.map((entry) => (
        <Item key={entry.key} outbox={outbox} entry={entry} />
      ))}
    </ol>
  )
}

function Item({ outbox, entry }: { outbox: Outbox; entry: Outgoing }) {
  const words = useWords().compose
  const { status } = useConnection()
  const [isSlow, setSlow] = useState(entry.isWaiting || entry.files.length > 0)
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), quickMs)
    return () => clearTimeout(timer)
  }, [])
  const isShown = isSlow || entry.isWaiting
  const said = !entry.isWaiting ? words.sending : status === 'offline' ? words.waitsOffline : words.waitsForLine
  useEffect(() => {
    if (isShown) announce(said)
  }, [isShown, said])
  if (!isShown) return null
  return (
    <li className="waiting" data-testid="outgoing" data-waiting={entry.isWaiting}>
      <span className="waiting-who">{said}</span>
      <span className="waiting-text" dir="auto">
        {entry.text}
      </span>
      {entry.isWaiting && (
        <span className="waiting-acts">
          <Button look="quiet" onClick={() => outbox.takeBack(entry.key)} data-testid="edit-outgoing">
            {words.edit}
          </Button>
          <IconButton
            label={words.remove}
            icon={X}
            onClick={() => outbox.remove(entry.key)}
            data-testid="remove-outgoing"
          />
        </span>
      )}
      <AttachmentList files={entry.files} />
    </li>
  )
}
