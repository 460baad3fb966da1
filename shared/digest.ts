import canonicalize from 'canonicalize'
import * as sha256 from 'lib0/hash/sha256'
import * as string from 'lib0/string'
import type { Chat, Message } from './schema.ts'

/** SHA-256 of UTF-8 text, 32 bytes. */
export type Hash = (text: string) => Uint8Array

/** Synchronous and the same everywhere: `crypto.subtle` is asynchronous and absent on plain-http pages. */
const portableHash: Hash = (text) => sha256.digest(string.encodeUtf8(text))

/**
 * The digest of a document: base64 SHA-256 over the RFC 8785 form of its
 * canonical JSON. A copy that no server could have written (a lone surrogate)
 * has no such form; its digest is empty and equals none.
 */
export function digestOf(json: Message | Chat, hash: Hash = portableHash): string {
  let form: string
  try {
    form = canonicalize(json) ?? ''
  } catch {
    return ''
  }
  let binary = ''
  for (const byte of hash(form)) binary += String.fromCharCode(byte)
  return btoa(binary)
}
