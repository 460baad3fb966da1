import { useChat } from '@runnel/client/react'

/** What waits behind the answer, in the order in which it is sent. */
export function Waiting({ chatId }: { chatId: string; mayWrite: boolean }) {
  const { waiting } = useChat(chatId)
  if (waiting.length === 0) return null
  return (
    <ol className="waits">
      {waiting.map(({ id, text }) => (
        <li key={id} data-testid="waiting">
          {text}
        </li>
      ))}
    </ol>
  )
}
