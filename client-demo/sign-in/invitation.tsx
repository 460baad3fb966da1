import { lazy, Suspense } from 'react'
import type { InvitationProps } from './open-invitation.tsx'

const OpenInvitation = lazy(() => import('./open-invitation.tsx'))

/** An invite that somebody with an account has not answered yet. */
export function Invitation(props: InvitationProps) {
  return (
    <Suspense>
      <OpenInvitation {...props} />
    </Suspense>
  )
}
