import { useChat, useClient, useConnection } from '@runnel/client/react'
import type { ConnectionState } from '@runnel/client'
import { useEffect, useState } from 'react'
import { Button } from '../ui/button.tsx'
import { Popover } from '../ui/popover.tsx'
import { useWords, type Words } from '../words/words.ts'

type Look = 'live' | 'slow' | 'away' | 'over'

interface Shown {
  look: Look
  text: string
  why: string
  mayRetry: boolean
}

/** The state of the connection. Pressed, it says why, and what to do. */
export function ConnectionChip({ isLagging = false }: { isLagging?: boolean }) {
  const words = useWords().header
  const state = useConnection()
  const { connection } = useClient()
  const [anchor, setAnchor] = useState<HTMLElement | null>(null)
  const seconds = useSecondsUntil(state.status === 'waiting' ? state.retryAt : null)
  const { look, text, why, mayRetry } = shownOf(state, isLagging, seconds, words)
  const retry = () => {
    connection.retry()
    setAnchor(null)
  }
  return (
    <>
      <button
        type="button"
        className="chip"
        data-look={look}
        data-testid="connection"
        data-status={state.status}
        aria-haspopup="dialog"
        aria-expanded={anchor !== null}
        aria-label={`${words.connection}: ${text}`}
        onClick={({ currentTarget }) => setAnchor(anchor ? null : currentTarget)}
      >
        <span>{text}</span>
      </button>
      <Popover anchor={anchor} label={words.connection} close={() => setAnchor(null)}>
        {/* The button comes and goes while somebody reads: the keyboard is not on it before they go there. */}
        <div className="why" tabIndex={-1} data-autofocus="true" data-testid="connection-why">
          <p>
            <b>{text}</b>
          </p>
          <p>{why}</p>
          {mayRetry && (
            <Button onClick={retry} data-testid="retry">
              {words.retryNow}
            </Button>
          )}
        </div>
      </Popover>
    </>
  )
}

/** The same for an open chat, which may be catching up while the connection is fine. */
export function ChatChip({ chatId }: { chatId: string }) {
  return <ConnectionChip isLagging={useChat(chatId).status === 'lagging'} />
}

function shownOf(state: ConnectionState, isLagging: boolean, seconds: number, words: Words['header']): Shown {
  const { state: names, why } = words
  switch (state.status) {
    case 'open':
      if (isLagging) return { look: 'slow', text: names.catchingUp, why: why.catchingUp, mayRetry: false }
      return state.transport === 'websocket'
        ? { look: 'live', text: names.live, why: why.live, mayRetry: false }
        : { look: 'slow', text: names.http, why: why[state.reason], mayRetry: false }
    case 'connecting':
      return { look: 'away', text: names.connecting, why: why.connecting, mayRetry: false }
    case 'waiting':
      return { look: 'away', text: names.reconnecting(seconds), why: why.reconnecting, mayRetry: true }
    case 'offline':
      return { look: 'away', text: names.offline, why: why.offline, mayRetry: true }
    case 'closed':
      return state.code === 4401
        ? { look: 'over', text: names.signedOut, why: why.signedOut, mayRetry: true }
        : { look: 'over', text: names.closed, why: `${why.closed} ${state.message}`, mayRetry: true }
  }
}

/** Counts down in seconds, to 1. */
function useSecondsUntil(time: number | null): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    if (time === null) return
    setNow(Date.now())
    const timer = setInterval(() => setNow(Date.now()), 1_000)
    return () => clearInterval(timer)
  }, [time])
  return time === null ? 0 : Math.max(1, Math.ceil((time - now) / 1_000))
}
