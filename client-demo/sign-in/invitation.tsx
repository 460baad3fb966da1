import { useCall } from '@runnel/client/react'
import { goTo } from '../address.ts'
import { Button } from '../ui/button.tsx'
import { Fault } from '../ui/fault.tsx'
import { useWords } from '../words/words.ts'
import type { Invite } from './credentials.ts'

/** What an invite opens, and the question whether to join: to open a link is not to join. */
export function Invitation({ invite }: { url: string; invite: Invite; token: () => Promise<string | undefined> }) {
  const words = useWords().signIn
  const [join, joining] = useCall(async (api) => {
    const { chatId } = await api.redeemInvite(invite.token)
    goTo(chatId)
    location.reload()
  })
  return (
    <main data-testid="invitation">
      <h1>{words.invited}</h1>
      <Button look="primary" busy={joining.pending} onClick={() => void join()} data-testid="join">
        Join
      </Button>
      <Fault error={joining.error} />
    </main>
  )
}
