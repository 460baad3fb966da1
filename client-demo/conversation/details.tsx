import type { MessageFields } from '@runnel/client'
import { lazy, Suspense, useState, type MouseEvent } from 'react'
import { Popover } from '../ui/popover.tsx'
import { useWords } from '../words/words.ts'
import { ActButton } from './acts.tsx'

const Facts = lazy(() => import('./facts.tsx'))

/** When an answer was written. Pressed, it shows the model, the time it took and its tokens. */
export function Details({ message }: { message: MessageFields }) {
  const words = useWords().conversation
  const [anchor, setAnchor] = useState<HTMLElement | null>(null)
  const at = message.endedAt ?? message.startedAt ?? message.createdAt
  const open = ({ currentTarget }: MouseEvent<HTMLElement>) => setAnchor(currentTarget)
  return (
    <>
      <ActButton
        className="act when"
        title={words.details}
        aria-haspopup="dialog"
        aria-expanded={anchor !== null}
        onClick={open}
        data-testid="details"
      >
        <time dateTime={new Date(at).toISOString()}>{words.clock(at)}</time>
      </ActButton>
      <Popover anchor={anchor} label={words.details} close={() => setAnchor(null)}>
        <Suspense>
          <Facts message={message} />
        </Suspense>
      </Popover>
    </>
  )
}
