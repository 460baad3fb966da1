import type { User } from '@runnel/client'
import { useConnection } from '@runnel/client/react'
import { useState } from 'react'

/** The user of this page, as the server names them, also while the connection is down. Null: not known yet. */
export function useUser(): User | null {
  const connection = useConnection()
  const [user, setUser] = useState<User | null>(null)
  if (connection.status !== 'open') return user
  if (connection.user !== user) setUser(connection.user)
  return connection.user
}

/** Whether the sign-in has ended, or there was none. */
export function useIsSignedOut(): boolean {
  const connection = useConnection()
  return connection.status === 'closed' && connection.code === 4401
}
