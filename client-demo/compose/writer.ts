import { useConnection } from '@runnel/client/react'

let writer = ''

/** The id of the person who writes here; '' until the server has told it. One person's words are never shown to the next. */
export function useWriter(): string {
  const connection = useConnection()
  // If the connection is down for a while, it is still the same person.
  if (connection.status === 'open') writer = connection.user.id
  return writer
}
