import { useConnection } from '@runnel/client/react'

let writer = ''

/** Whose words are written here; '' until the server has said it. Words of one person are never shown to the next. */
export function useWriter(): string {
  const connection = useConnection()
  // The line may be down for a while: it is still the same person.
  if (connection.status === 'open') writer = connection.user.id
  return writer
}
