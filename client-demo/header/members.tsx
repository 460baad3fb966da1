import type { MemberInfo, Role } from '@runnel/client'
import { useCall, useRead } from '@runnel/client/react'
import { useId, useState, type FormEvent } from 'react'
import { goTo } from '../address.ts'
import { useUser } from '../sign-in/user.ts'
import { Button, IconButton } from '../ui/button.tsx'
import { Face } from '../ui/face.tsx'
import { Fault } from '../ui/fault.tsx'
import { X } from '../ui/icons.ts'
import { Skeleton } from '../ui/skeleton.tsx'
import { useWords } from '../words/words.ts'
import { readAll } from './pages.ts'
import { oneself } from './people.ts'

type Granted = Exclude<Role, 'owner'>

/** The members of a chat. The owner changes what they may do; everyone else may leave. */
export function Members({ chatId, isOwner }: { chatId: string; isOwner: boolean }) {
  const allWords = useWords()
  const words = allWords.header
  const me = useUser()
  const { data, error, reload } = useRead(`members ${chatId}`, (api, signal) =>
    readAll<MemberInfo, Awaited<ReturnType<typeof api.listMembers>>>((query) =>
      api.listMembers(chatId, query, { signal }),
    ),
  )
  const [change, changing] = useCall(`members ${chatId}`, async (api, userId: string, role: Granted | null) => {
    if (role === null) await api.removeMember(chatId, userId)
    else await api.setMember(chatId, { userId, role })
    reload()
    return true
  })
  if (error && !data) return <Fault error={error} retry={reload} />
  if (!data) return <Skeleton />
  // The answer names the caller as documents do, whichever id the list shows.
  const isMe = ({ userId, alias }: MemberInfo) => userId === me?.id || alias === data.you.id
  return (
    <section className="members" aria-label={words.people}>
      <ul data-testid="members">
        {data.items.map((member) => (
          <li key={member.userId} data-user-id={member.userId}>
            <Face id={member.userId} name={member.name} />
            <span className="member-name" dir="auto">
              {isMe(member) ? oneself(member.userId, member.name, allWords) : member.name}
              {member.userId !== member.name && member.userId !== member.alias && <small>{member.userId}</small>}
            </span>
            {isOwner && member.role !== 'owner' ? (
              <>
                <select
                  aria-label={words.roleOf(member.name)}
                  value={member.role}
                  onChange={({ target }) => void change(member.userId, target.value as Granted)}
                >
                  <option value="editor">{words.roles.editor}</option>
                  <option value="viewer">{words.roles.viewer}</option>
                </select>
                <IconButton
                  label={words.removeNamed(member.name)}
                  icon={X}
                  busy={changing.pending}
                  onClick={() => void change(member.userId, null)}
                  data-testid="remove-member"
                />
              </>
            ) : (
              <small>{words.roles[member.role]}</small>
            )}
          </li>
        ))}
      </ul>
      <Fault error={changing.error} />
      {isOwner && <AddMember chatId={chatId} added={reload} />}
      {!isOwner && data.items.some(isMe) && me && <Leave chatId={chatId} userId={me.id} />}
    </section>
  )
}

function AddMember({ chatId, added }: { chatId: string; added: () => void }) {
  const words = useWords().header
  const id = useId()
  const [userId, setUserId] = useState('')
  const [role, setRole] = useState<Granted>('editor')
  const [add, adding] = useCall(`member ${chatId}`, (api, userId: string, role: Granted) =>
    api.setMember(chatId, { userId, role }),
  )
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (userId.trim() === '' || !(await add(userId.trim(), role))) return
    setUserId('')
    added()
  }
  return (
    <form className="sharing-form" onSubmit={(event) => void submit(event)} aria-label={words.add}>
      <label htmlFor={id}>{words.add}</label>
      <div className="sharing-row">
        <input
          id={id}
          value={userId}
          placeholder={words.addId}
          autoComplete="off"
          spellCheck={false}
          maxLength={200}
          onChange={(event) => setUserId(event.target.value)}
          data-testid="add-id"
        />
        <select aria-label={words.addRole} value={role} onChange={({ target }) => setRole(target.value as Granted)}>
          <option value="editor">{words.roles.editor}</option>
          <option value="viewer">{words.roles.viewer}</option>
        </select>
        <Button type="submit" busy={adding.pending} data-testid="add-member">
          {words.addGo}
        </Button>
      </div>
      <Fault error={adding.error} />
    </form>
  )
}

function Leave({ chatId, userId }: { chatId: string; userId: string }) {
  const words = useWords().header
  const [isSure, setSure] = useState(false)
  const [leave, leaving] = useCall(`leave ${chatId}`, async (api) => {
    await api.removeMember(chatId, userId)
    goTo(null)
    return true
  })
  return (
    <div className="leave">
      {isSure && <p className="hint">{words.leaveSure}</p>}
      <div className="sharing-row">
        {isSure && <Button onClick={() => setSure(false)}>{words.stay}</Button>}
        <Button
          look="danger"
          busy={leaving.pending}
          onClick={() => (isSure ? void leave() : setSure(true))}
          data-testid="leave"
        >
          {words.leave}
        </Button>
      </div>
      <Fault error={leaving.error} />
    </div>
  )
}
