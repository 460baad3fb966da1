import type { Api, InviteInfo, Role } from '@runnel/client'
import { useCall, useRead } from '@runnel/client/react'
import { useState, type FormEvent } from 'react'
import { Button } from '../ui/button.tsx'
import { useCopy } from '../ui/copy.ts'
import { Fault } from '../ui/fault.tsx'
import { Check, Copy } from '../ui/icons.ts'
import { Skeleton } from '../ui/skeleton.tsx'
import { useWords } from '../words/words.ts'
import { readAll } from './pages.ts'

type Listed = Awaited<ReturnType<Api['listInvites']>>
type Granted = Exclude<Role, 'owner'>

const week = 604_800

/** The links that open a chat: their role, their end, and who used them. Only its owner sees them. */
export function Links({ chatId }: { chatId: string }) {
  const words = useWords().header
  const { data, error, reload } = useRead(`invites ${chatId}`, (api, signal) =>
    readAll<Listed['items'][number], Listed>((query) => api.listInvites(chatId, query, { signal })),
  )
  /** The server tells a link's address only once. */
  const [link, setLink] = useState<InviteInfo | null>(null)
  const made = (next: InviteInfo) => {
    setLink(next)
    reload()
  }
  const [revoke, revoking] = useCall(`revoke ${chatId}`, async (api, inviteId: string) => {
    await api.revokeInvite(chatId, inviteId)
    if (inviteId === link?.id) setLink(null)
    reload()
    return inviteId
  })
  return (
    <section className="links" aria-label={words.links}>
      <h2>{words.links}</h2>
      <p className="hint">{words.linksHint}</p>
      <NewLink chatId={chatId} link={link} made={made} />
      <Fault error={error ?? revoking.error} retry={error ? reload : undefined} />
      {!data && !error && <Skeleton lines={2} />}
      <ul data-testid="links">
        {data?.items.map(({ id, role, expiresAt, usedBy }) => {
          const isOver = expiresAt <= Date.now()
          const until = isOver ? words.isOver(expiresAt) : words.goodUntil(expiresAt)
          return (
            <li key={id} data-over={isOver || undefined}>
              <span className="member-name">
                {words.roles[role]}, {until}
                <small dir="auto">{usedBy ? words.usedBy(usedBy.map(({ name }) => name)) : words.unused}</small>
              </span>
              <Button
                aria-label={words.revokeLink(until)}
                busy={revoking.pending}
                onClick={() => void revoke(id)}
                data-testid="revoke"
              >
                {words.revoke}
              </Button>
            </li>
          )
        })}
      </ul>
    </section>
  )
}

function NewLink({
  chatId,
  link,
  made,
}: {
  chatId: string
  link: InviteInfo | null
  made: (link: InviteInfo) => void
}) {
  const { header: words, app } = useWords()
  const [role, setRole] = useState<Granted>('viewer')
  const [seconds, setSeconds] = useState(week)
  const [make, making] = useCall(`invite ${chatId}`, (api, role: Granted, expiresInSeconds: number) =>
    api.createInvite(chatId, { role, expiresInSeconds }),
  )
  const [copy, isCopied] = useCopy()
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    const invite = await make(role, seconds)
    if (invite) made(invite)
  }
  return (
    <form className="sharing-form" onSubmit={(event) => void submit(event)}>
      <div className="sharing-row">
        <select aria-label={words.linkRole} value={role} onChange={({ target }) => setRole(target.value as Granted)}>
          <option value="viewer">{words.roles.viewer}</option>
          <option value="editor">{words.roles.editor}</option>
        </select>
        <select
          aria-label={words.linkTime}
          value={seconds}
          onChange={({ target }) => setSeconds(Number(target.value))}
          data-testid="link-time"
        >
          {words.times.map(({ seconds, words }) => (
            <option key={seconds} value={seconds}>
              {words}
            </option>
          ))}
        </select>
        <Button type="submit" busy={making.pending} data-testid="make-link">
          {words.makeLink}
        </Button>
      </div>
      <Fault error={making.error} />
      {link && (
        <div className="new-link" data-testid="new-link">
          <div className="sharing-row">
            <input
              readOnly
              aria-label={words.newLink}
              value={whole(link)}
              onFocus={({ currentTarget }) => currentTarget.select()}
            />
            <Button look="primary" icon={isCopied ? Check : Copy} onClick={() => copy(whole(link))}>
              {isCopied ? app.copied : app.copy}
            </Button>
          </div>
          <p className="hint">{words.newLinkHint}</p>
        </div>
      )}
    </form>
  )
}

const whole = ({ url }: InviteInfo): string => new URL(url, location.href).href
