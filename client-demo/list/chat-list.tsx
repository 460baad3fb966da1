import { useDeferredValue, useState } from 'react'
import { goTo } from '../address.ts'
import { Button } from '../ui/button.tsx'
import { Plus } from '../ui/icons.ts'
import { useWords } from '../words/words.ts'
import { AllChats } from './all-chats.tsx'
import { Found } from './found.tsx'
import { Me } from './me.tsx'
import { SearchField } from './search-field.tsx'
import './list.css'

export interface ChatListProps {
  chatId: string | null
  /** Something was chosen: a drawer closes. */
  chosen: () => void
  /** How often the search shortcut was pressed. */
  searches: number
}

/** This user's chats: all of them, or the results of a search. */
export default function ChatList({ chatId, chosen, searches }: ChatListProps) {
  const words = useWords().list
  const [text, setText] = useState('')
  const query = useDeferredValue(text.trim())
  const startNew = () => {
    goTo(null)
    chosen()
  }
  return (
    <>
      <Button look="primary" icon={Plus} onClick={startNew} data-testid="new-chat">
        {words.newChat}
      </Button>
      <SearchField text={text} setText={setText} searches={searches} />
      {/* The server finds words of two characters or more. */}
      {query.length > 1 ? (
        <Found query={query} chatId={chatId} chosen={chosen} />
      ) : (
        <AllChats chatId={chatId} chosen={chosen} />
      )}
      <Me />
    </>
  )
}
