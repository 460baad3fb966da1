import { useChat, useConnection } from '@runnel/client/react'
import { IconButton } from '../ui/button.tsx'
import { MenuIcon } from '../ui/icons.ts'
import { WireButton } from '../wire/wire.tsx'
import { useWords } from '../words/words.ts'
import './header.css'

/** What stays above an open chat. `openList` where there is a list that may be shut. */
export function ChatHeader({ chatId, openList }: { chatId: string; openList: (() => void) | undefined }) {
  const words = useWords().header
  const { chat } = useChat(chatId)
  return (
    <header className="head">
      {openList && <IconButton className="open-list" label={words.openList} icon={MenuIcon} onClick={openList} />}
      <h1>{chat?.title}</h1>
      <ConnectionChip />
      <WireButton />
    </header>
  )
}

/** How the line is. */
export function ConnectionChip() {
  const words = useWords().header
  const connection = useConnection()
  return (
    <span className="chip" data-testid="connection" data-status={connection.status}>
      {connection.status === 'open' ? words.live : connection.status}
    </span>
  )
}
