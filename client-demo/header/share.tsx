import { useChat } from '@runnel/client/react'
import OpenDialog from '../ui/open-dialog.tsx'
import { useWords } from '../words/words.ts'
import { Links } from './links.tsx'
import { Members } from './members.tsx'
import './share.css'

/** The members of a chat; for its owner also the links that let others in. */
export default function ShareDialog({
  chatId,
  isOwner,
  close,
}: {
  chatId: string
  isOwner: boolean
  close: () => void
}) {
  const words = useWords().header
  const { chat } = useChat(chatId)
  return (
    <OpenDialog title={isOwner ? words.shareTitle(chat?.title ?? '') : words.people} close={close} className="sharing">
      <div data-testid="sharing">
        <Members chatId={chatId} isOwner={isOwner} />
        {isOwner && <Links chatId={chatId} />}
      </div>
    </OpenDialog>
  )
}
