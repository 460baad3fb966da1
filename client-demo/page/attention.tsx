import { Notices } from './notices.tsx'
import { ChatTitle, PlainTitle } from './title.tsx'
import { ReadMark } from './read-mark.tsx'

/** What of the open chat is told outside the page: in its tab, on other devices, by the browser. */
export default function Attention({ chatId, isGuest }: { chatId: string | null; isGuest: boolean }) {
  return (
    <>
      {chatId === null ? <PlainTitle /> : <ChatTitle key={chatId} chatId={chatId} />}
      {chatId !== null && !isGuest && <ReadMark key={`read ${chatId}`} chatId={chatId} />}
      {!isGuest && <Notices />}
    </>
  )
}
