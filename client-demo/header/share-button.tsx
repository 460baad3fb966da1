import { useChat } from '@runnel/client/react'
import { lazy, Suspense, useState } from 'react'
import { Button } from '../ui/button.tsx'
import { Share, Users } from '../ui/icons.ts'
import { useWords } from '../words/words.ts'

const ShareDialog = lazy(() => import('./share.tsx'))

/** For the owner it opens sharing, for everyone else the list of members. */
export function ShareButton({ chatId }: { chatId: string }) {
  const words = useWords().header
  const { role } = useChat(chatId)
  const [isOpen, setOpen] = useState(false)
  if (role === null) return null
  const isOwner = role === 'owner'
  return (
    <>
      <Button
        className="share"
        icon={isOwner ? Share : Users}
        aria-haspopup="dialog"
        aria-label={isOwner ? words.share : words.people}
        onClick={() => setOpen(true)}
        data-testid="share"
      >
        <span>{isOwner ? words.share : words.people}</span>
      </Button>
      {isOpen && (
        <Suspense>
          <ShareDialog chatId={chatId} isOwner={isOwner} close={() => setOpen(false)} />
        </Suspense>
      )}
    </>
  )
}
