import * as sha256 from 'lib0/hash/sha256'
import * as string from 'lib0/string'
import { jsonPieces } from './json-pieces.ts'
import type { Chat, Message } from './schema.ts'

/** A SHA-256 that is fed UTF-8 text in pieces. */
export interface Hash {
  update(text: string): void
  /** 32 bytes. */
  digest(): Uint8Array
}

/** Synchronous and the same everywhere: `crypto.subtle` is asynchronous and absent on plain-http pages. */
class PortableHash implements Hash {
  readonly #pieces: string[] = []

  update(text: string): void {
    this.#pieces.push(text)
  }

  digest(): Uint8Array {
    return sha256.digest(string.encodeUtf8(this.#pieces.join('')))
  }
}

/**
 * The digest of a document: base64 SHA-256 over the RFC 8785 form of its
 * canonical JSON. A copy that no server could have written (a lone surrogate)
 * has no such form; its digest is empty and equals none.
 */
export function digestOf(json: Message | Chat): string {
  const steps = digestSteps(json, new PortableHash())
  for (let step = steps.next(); ; step = steps.next()) if (step.done) return step.value
}

/** The same, a small piece of work each step. */
export function* digestSteps(json: Message | Chat, hash: Hash): Generator<void, string> {
  try {
    for (const piece of jsonPieces(json, 'canonical')) {
      hash.update(piece)
      yield
    }
  } catch {
    return ''
  }
  let binary = ''
  for (const byte of hash.digest()) binary += String.fromCharCode(byte)
  return btoa(binary)
}
