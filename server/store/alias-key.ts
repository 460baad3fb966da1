import { randomBytes } from 'node:crypto'

/** A key for the names of users in documents: the first that is written stays. */
export function newAliasKey(): string {
  return randomBytes(32).toString('hex')
}
