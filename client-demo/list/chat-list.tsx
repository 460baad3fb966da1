import { useChats } from '@runnel/client/react'
import { addressOf, goTo } from '../address.ts'
import { WhoAmI } from '../sign-in/who-am-i.tsx'
import { Button } from '../ui/button.tsx'
import { Fault } from '../ui/fault.tsx'
import { Plus } from '../ui/icons.ts'
import { useWords } from '../words/words.ts'
import './list.css'

/** This user's chats. On a phone a drawer that `close` shuts. */
export function ChatList({ chatId, close }: { chatId: string | null; close: () => void }) {
  const words = useWords().list
  const { chats, error, refresh, hasMore, loadMore } = useChats()
  const startNew = () => {
    goTo(null)
    close()
  }
  return (
    <nav className="side" aria-label={words.label}>
      <div className="brand">
        <i />
        Runnel
      </div>
      <Button look="primary" icon={Plus} onClick={startNew} data-testid="new-chat">
        {words.newChat}
      </Button>
      <ul className="chats" data-testid="chats">
        {chats.map((chat) => (
          <li key={chat.id}>
            <a
              className="chat"
              href={addressOf(chat.id)}
              aria-current={chat.id === chatId ? 'page' : undefined}
              onClick={close}
            >
              {chat.title || words.untitled}
            </a>
          </li>
        ))}
      </ul>
      {hasMore && <Button onClick={loadMore}>…</Button>}
      <Fault error={error} retry={refresh} />
      <WhoAmI />
    </nav>
  )
}
