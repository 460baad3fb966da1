import { Notices } from './notices.tsx'
import { ChatTitle, PlainTitle } from './title.tsx'
import { ReadMark } from './read-mark.tsx'

/** What the page tells about the open chat elsewhere: in the tab's title, on other devices, and by notices of the browser. */
export default function Attention({ chatId, isGuest }: { chatId: string | null; isGuest: boolean }) {
  return (
    <>
      {chatId === null ? <PlainTitle /> : <ChatTitle key={chatId} chatId={chatId} />}
      {chatId !== null && !isGuest && <ReadMark key={`read ${chatId}`} chatId={chatId} />}
      {!isGuest && <Notices />}
    </>
  )
}
