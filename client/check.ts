import type { Chat, Message } from '../shared/schema.ts'
import { loadLater } from './load.ts'

let digestOf: ((json: Message | Chat) => string) | undefined

/**
 * Has this JSON that digest? Hashing is a part of its own, which a page loads with its first checkpoint: nobody waits for it to
 * see a text. Where it cannot be loaded nothing is known, and the next checkpoint asks again.
 */
export function hasDigest(json: Message | Chat, digest: string): boolean | Promise<boolean | null> {
  if (digestOf !== undefined) return digestOf(json) === digest
  return loadLater().then(
    (module) => {
      digestOf = module.digestOf
      return digestOf(json) === digest
    },
    () => null,
  )
}
