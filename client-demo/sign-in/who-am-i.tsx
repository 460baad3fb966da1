import { Face } from '../ui/face.tsx'
import { IconButton } from '../ui/button.tsx'
import { LogOut } from '../ui/icons.ts'
import { useWords } from '../words/words.ts'
import { canSignOut, signOut } from './credentials.ts'
import { useUser } from './user.ts'
import './who-am-i.css'

export { signOut }

/** The person who is signed in, and a button to sign out if that is possible. Renders nothing before the user is known. */
export function WhoAmI() {
  const words = useWords().signIn
  const user = useUser()
  if (!user) return null
  const name = user.name ?? user.id
  return (
    <div className="who-am-i" data-testid="who-am-i">
      <Face id={user.id} name={name} />
      <span dir="auto" title={user.id === 'local' ? undefined : user.id}>
        {user.id === 'local' ? words.localUser : name}
      </span>
      {canSignOut() && <IconButton label={words.signOut} icon={LogOut} onClick={signOut} data-testid="sign-out" />}
    </div>
  )
}
