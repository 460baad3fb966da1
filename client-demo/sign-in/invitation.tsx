import { lazy, Suspense } from 'react'
import type { Invite } from './credentials.ts'

const OpenInvitation = lazy(() => import('./open-invitation.tsx'))

export interface InvitationProps {
  url: string
  invite: Invite
  /** Of whoever is signed in. */
  token: () => Promise<string | undefined>
}

/** An invite that somebody with an account has still to answer. */
export function Invitation(props: InvitationProps) {
  return (
    <Suspense>
      <OpenInvitation {...props} />
    </Suspense>
  )
}
