import { useCall, useRead } from '@runnel/client/react'
import { goTo } from '../address.ts'
import { Button } from '../ui/button.tsx'
import { Fault } from '../ui/fault.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { useWords } from '../words/words.ts'
import type { Invite } from './credentials.ts'
import { lookAt } from './look-at-invite.ts'
import { whoIs, wordsFor } from './who-is.ts'
import './sign-in.css'

export interface InvitationProps {
  url: string
  invite: Invite
  /** The name of the person who is signed in. */
  token: () => Promise<string | undefined>
}

/** Shows what an invite opens, and asks whether to join: opening a link does not make anyone a member. */
export default function OpenInvitation({ url, invite, token }: InvitationProps) {
  const words = useWords().signIn
  const { data, error, reload } = useRead(`invite ${invite.token}`, async () => {
    const [who, chat] = await Promise.all([token().then((held) => whoIs(url, held)), lookAt(url, invite)])
    return { who, chat }
  })
  const [join, joining] = useCall('join', async (api) => answered((await api.redeemInvite(invite.token)).chatId))
  const isInvalid = error !== null && error.code !== 'internal'
  return (
    <main className="invitation" data-testid="invitation" aria-label={words.invitation}>
      <div className="sign-in-card">
        <h1 dir="auto">{data ? words.invitedTo(data.chat.title) : words.invited}</h1>
        {isInvalid ? (
          <p className="fault" role="alert">
            {words.invalidInvite}
          </p>
        ) : error ? (
          <Fault error={error} retry={reload} />
        ) : data ? (
          <p data-testid="invitation-text">{data.chat.role === 'viewer' ? words.mayRead : words.mayWrite}</p>
        ) : (
          <Skeleton lines={2} />
        )}
        <Fault error={joining.error} />
        <div className="answers">
          <Button onClick={() => answered(null)} data-testid="decline">
            {words.notNow}
          </Button>
          {data && (
            <Button look="primary" busy={joining.pending} onClick={() => void join()} data-testid="join">
              {words.joinAs(typeof data.who === 'string' ? null : wordsFor(data.who))}
            </Button>
          )}
        </div>
      </div>
    </main>
  )
}

/** Null: they declined. The page starts again without the invite. */
function answered(chatId: string | null): true {
  goTo(chatId)
  location.reload()
  return true
}
