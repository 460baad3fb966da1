import { useClient, useRead } from '@runnel/client/react'
import { useId, useState, type FormEvent } from 'react'
import { Dialog, DialogHeading } from '../ui/ariakit.ts'
import { Button } from '../ui/button.tsx'
import { Fault } from '../ui/fault.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { useWords } from '../words/words.ts'
import { keepToken, keptUser, rememberPlace } from './credentials.ts'
import { leavePage } from './kept-words.ts'
import { whoIs } from './who-is.ts'
import './sign-in.css'

/** The sign-in screen: a link to the operator's login, or a field for a token. `isOverPage`: it covers the page of somebody who was signed in and will go on there. */
export default function SignInScreen({ url, isOverPage }: { url: string; isOverPage: boolean }) {
  const words = useWords().signIn
  return (
    <Dialog
      open
      hideOnEscape={false}
      hideOnInteractOutside={false}
      backdrop={false}
      className="sign-in"
      data-testid="sign-in"
    >
      <div className="sign-in-card">
        <DialogHeading>{isOverPage ? words.endedTitle : words.title}</DialogHeading>
        {isOverPage && <p>{words.endedText}</p>}
        {window.runnelSignIn ? <AtProgram /> : <Ways url={url} isOverPage={isOverPage} />}
      </div>
    </Dialog>
  )
}

/** Shown where a program signs people in: it is asked again. */
function AtProgram() {
  const words = useWords()
  const { connection } = useClient()
  return (
    <>
      <p>{words.signIn.atProgram}</p>
      <Button look="primary" onClick={() => connection.retry()}>
        {words.app.retry}
      </Button>
    </>
  )
}

function Ways({ url, isOverPage }: { url: string; isOverPage: boolean }) {
  const words = useWords().signIn
  const { data, error, reload } = useRead('sign-in', (api, signal) => api.getSignIn({ signal }))
  if (error) return <Fault error={error} retry={reload} />
  if (!data) return <Skeleton lines={2} />
  if (data.loginUrl === undefined) return <TokenForm url={url} />
  return (
    <a
      className="button primary"
      href={data.loginUrl}
      onClick={rememberPlace}
      data-testid="login"
      // Unsent texts stay: the other tab has signed this one in, too.
      {...(isOverPage && { target: '_blank', rel: 'opener' })}
    >
      {words.signIn}
    </a>
  )
}

type Trouble = 'nobody' | 'unknown' | null

function TokenForm({ url }: { url: string }) {
  const words = useWords().signIn
  const { connection } = useClient()
  const [text, setText] = useState('')
  const [isAsking, setAsking] = useState(false)
  const [trouble, setTrouble] = useState<Trouble>(null)
  const id = useId()
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    const token = tokenIn(text)
    if (token === '' || isAsking) return
    setAsking(true)
    const person = token.startsWith('inv_') ? 'nobody' : await whoIs(url, token)
    setAsking(false)
    if (typeof person === 'string') return setTrouble(person)
    const wasAnother = keptUser() !== null && keptUser() !== person.id
    if (keepToken(token, person.id)) return connection.retry()
    if (wasAnother) leavePage()
    else location.reload()
  }
  return (
    <form className="sign-in-form" onSubmit={(event) => void submit(event)}>
      <label htmlFor={id}>{words.token}</label>
      <input
        id={id}
        type="password"
        autoComplete="off"
        autoFocus
        value={text}
        aria-describedby={`${id}-hint`}
        aria-invalid={trouble === 'nobody' || undefined}
        onChange={(event) => {
          setText(event.target.value)
          setTrouble(null)
        }}
        data-testid="token"
      />
      <p className="hint" id={`${id}-hint`}>
        {words.tokenHint}
      </p>
      {trouble && (
        <p className="fault" role="alert">
          {words.trouble[trouble]}
        </p>
      )}
      <Button type="submit" look="primary" busy={isAsking} data-testid="sign-in-go">
        {words.signIn}
      </Button>
    </form>
  )
}

/** People may paste the token, or the link that contains it. */
function tokenIn(text: string): string {
  const hash = /#(.*\btoken=.*)$/.exec(text)?.[1]
  return (hash === undefined ? text : (new URLSearchParams(hash).get('token') ?? '')).trim()
}
