import { lazy, Suspense, useState } from 'react'
import { IconButton } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { SlidersHorizontal } from '../ui/icons.ts'
import { Skeleton } from '../ui/skeleton.tsx'
import { useWords } from '../words/words.ts'

const ChatSettings = lazy(() => import('../settings/chat-settings.tsx'))

/** The chat's instructions and parameters for the model. */
export function SettingsButton({ chatId }: { chatId: string }) {
  const words = useWords().settings
  const [isOpen, setOpen] = useState(false)
  return (
    <>
      <IconButton
        label={words.title}
        icon={SlidersHorizontal}
        onClick={() => setOpen(true)}
        data-testid="chat-settings"
      />
      <Dialog title={words.title} isOpen={isOpen} close={() => setOpen(false)}>
        <Suspense fallback={<Skeleton lines={6} />}>
          <ChatSettings chatId={chatId} close={() => setOpen(false)} />
        </Suspense>
      </Dialog>
    </>
  )
}
