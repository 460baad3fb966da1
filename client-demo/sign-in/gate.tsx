import { useClient } from '@runnel/client/react'
import { lazy, Suspense, useEffect, useState } from 'react'
import { IconButton } from '../ui/button.tsx'
import { X } from '../ui/icons.ts'
import { useWords } from '../words/words.ts'
import { noteUser, watchOtherTabs } from './credentials.ts'
import type { Refusal, Session } from './session.ts'
import { useIsSignedOut, useUser } from './user.ts'

const SignInScreen = lazy(() => import('./screen.tsx'))

/** Covers the page while nobody is signed in. Unsent texts stay. */
export function SignInGate({ url, session }: { url: string; session: Session }) {
  const client = useClient()
  const user = useUser()
  const isSignedOut = useIsSignedOut()
  const [refusal, setRefusal] = useState(session.refusal)
  const userId = user?.id
  useEffect(() => {
    if (userId !== undefined) noteUser(userId)
  }, [userId])
  useEffect(() => watchOtherTabs(() => client.connection.retry()), [client])
  return (
    <>
      {refusal && <Refused refusal={refusal} close={() => setRefusal(null)} />}
      {isSignedOut && !session.isGuest && (
        <Suspense>
          <SignInScreen url={url} isOverPage={user !== null} />
        </Suspense>
      )}
    </>
  )
}

function Refused({ refusal, close }: { refusal: Refusal; close: () => void }) {
  const words = useWords()
  return (
    <div className="undo" role="alert">
      <span className="fault">{words.signIn.refused[refusal]}</span>
      <IconButton label={words.app.close} icon={X} onClick={close} />
    </div>
  )
}
