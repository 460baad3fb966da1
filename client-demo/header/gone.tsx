import { useChat } from '@runnel/client/react'
import { goTo } from '../address.ts'
import { isGuest } from '../sign-in/credentials.ts'
import { useIsSignedOut } from '../sign-in/user.ts'
import { Button } from '../ui/button.tsx'
import { useWords } from '../words/words.ts'

/** This person may not see the chat any more, or it cannot be shown. A guest without a good link has no chat. */
export function useIsGone(chatId: string): boolean {
  const { status } = useChat(chatId)
  const isSignedOut = useIsSignedOut()
  return status === 'refused' || status === 'diverged' || (isSignedOut && isGuest())
}

/** Replaces a chat that this person may no longer see, or that could not be shown. None of its text stays. */
export function Gone({ chatId }: { chatId: string }) {
  const words = useWords().header
  const isBroken = useChat(chatId).status === 'diverged'
  return (
    <div className="gone" role="alert" data-testid="gone">
      <h1>{isBroken ? words.brokenTitle : words.goneTitle}</h1>
      <p>{isBroken ? words.brokenText : isGuest() ? words.goneGuest : words.goneText}</p>
      <div className="gone-acts">
        <Button onClick={() => location.reload()}>{words.openAgain}</Button>
        {!isGuest() && (
          <Button look="primary" onClick={() => goTo(null)}>
            {words.newChat}
          </Button>
        )}
      </div>
    </div>
  )
}
