/**
 * Keys that the server knows, hidden wherever others quote them: providers,
 * tool servers and libraries put them into errors, and errors are shown to
 * every reader, stored and logged. Redact first, cut to length after that: of
 * half a key nobody knows that it is one.
 */
import { findAll, readings, replaceRanges, type Range } from './encoded-text.ts'

export type Redact = (text: string) => string

const hidden = '***'

/** Shorter values are words and flags; hiding them would hide the sentence. */
const minChars = 6

/** Of longer texts the rest falls away: nobody reads it. The edge may be the half of a key. */
const maxChars = 128 * 1024
const edgeChars = 4 * 1024

/**
 * Hides these values: as they are, percent-encoded, escaped as in JSON, and in
 * base64, wherever they stand in it. The text is decoded instead of the values
 * being encoded, as encoders differ in what they leave as it is.
 */
export function redactor(values: Iterable<string | undefined>): Redact {
  const needles = [...new Set(values)]
    .filter((value) => value !== undefined && value.length >= minChars)
    .flatMap((value) => [value!, ...base64Forms(value!)])
  if (needles.length === 0) return (text) => text
  const bytes = needles.map((needle) => Buffer.from(needle))
  return (given) => {
    // Most texts are not encoded and hold nothing.
    if (given.length <= maxChars && !/[%+\\]/.test(given) && !needles.some((needle) => given.includes(needle)))
      return given
    const text = given.slice(0, maxChars)
    const ranges: Range[] = given.length > maxChars ? [[maxChars - edgeChars, maxChars]] : []
    for (const reading of readings(text)) for (const needle of bytes) findAll(reading, needle, ranges)
    return replaceRanges(text, ranges, hidden)
  }
}

/** What is secret in an address: who calls, with what password, each value of its query, and long random parts of its path. */
export function addressSecrets(address: string | URL): string[] {
  const url = typeof address === 'string' ? URL.parse(address) : address
  if (!url) return []
  const { username, password, search, searchParams, pathname } = url
  return [
    `${username}:${password}`,
    `${decoded(username)}:${decoded(password)}`,
    decoded(username),
    decoded(password),
    search,
    ...searchParams.values(),
    ...pathname.split('/').filter((part) => /^(?=.*\d)[\w~.%-]{20,}$/.test(part)),
  ]
}

/** What headers say, whole and without the scheme before a key (`Bearer …`). */
export function headerSecrets(headers: Readonly<Record<string, string>> = {}): string[] {
  return Object.values(headers).flatMap((value) => [value, ...value.split(/\s+/).slice(1)])
}

/** A part of an address as it was meant; as it stands there where it is not well-formed. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** What only the value decides in base64, at each of its three places in a group. Either alphabet. */
function base64Forms(value: string): string[] {
  const bytes = Buffer.from(value)
  return [0, 1, 2].flatMap((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
    const own = text.slice(before === 0 ? 0 : before + 1, Math.floor(((before + bytes.length) * 8) / 6))
    return [own, own.replaceAll('+', '-').replaceAll('/', '_')]
  })
}
