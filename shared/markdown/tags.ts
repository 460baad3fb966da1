import { decodeEntities } from './entities.ts'
import { beginsAllowed, isAllowed, isVoid } from './nodes.ts'

/** A tag of an element that may be. */
export interface Tag {
  name: string
  closes: boolean
  attrs: Record<string, string>
  /** Behind it. */
  end: number
}

/** A tag that is longer than this is none: looking for its end would cost too much. */
export const maxTagLength = 4_000
/** Attributes that stand without a value. Any other word tells that this is no tag: `a<b and c>d`. */
const flags =
  /^(?:open|hidden|reversed|disabled|checked|selected|autofocus|nowrap|compact|noshade|itemscope|inert|(?:data|aria)-.*)$/i
const attribute = /\s+([a-zA-Z_:][\w.:-]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'=<>`]+)))?/y
const halfValue = /\s*=\s*(?:"[^"]*|'[^']*)?$/y
const anyTag =
  /^<\/?[a-zA-Z][\w.:-]*(?:\s+[a-zA-Z_:][\w.:-]*(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'=<>`]+))?)*\s*\/?>|^<(?:\?[^>]*|![^>]*)>/

/**
 * The tag that begins at `at`. Null where none does, or one of an element that
 * may not be: that is text as it was written. `half`: more of the text may make it one.
 */
export function tagAt(text: string, at: number): Tag | 'half' | null {
  const tag = read(text, at)
  if (tag === null) return null
  // No tag goes on behind a blank line: what stands there changes nothing before it.
  return /\n[ \t]*\n/.test(text.slice(at, tag === 'half' ? at + maxTagLength : tag.end)) ? null : tag
}

function read(text: string, at: number): Tag | 'half' | null {
  const part = text.slice(at, at + maxTagLength)
  const isAtEnd = at + part.length === text.length
  const [start = '', slash, written = ''] = /^<(\/?)([a-zA-Z][a-zA-Z0-9-]*)?/.exec(part) ?? []
  if (start === '') return null
  if (start.length === part.length) return isAtEnd && beginsAllowed(written.toLowerCase()) ? 'half' : null
  const name = written.toLowerCase()
  if (!isAllowed(name)) return null
  const attrs: Record<string, string> = {}
  let end = start.length
  for (;;) {
    attribute.lastIndex = end
    const found = attribute.exec(part)
    if (!found) break
    end = attribute.lastIndex
    const value = found[2] ?? found[3] ?? found[4]
    if (end === part.length) return isAtEnd ? 'half' : null
    if (value === undefined && !flags.test(found[1]!)) {
      halfValue.lastIndex = end
      return isAtEnd && halfValue.test(part) ? 'half' : null
    }
    const key = found[1]!.toLowerCase()
    if (!Object.hasOwn(attrs, key)) attrs[key] = decodeEntities(value ?? '')
  }
  const [rest] = /^\s*\/?>?/.exec(part.slice(end))!
  end += rest.length
  if (!rest.endsWith('>')) return isAtEnd && end === part.length ? 'half' : null
  const closes = slash === '/'
  // An element that has content ends with a tag of its own: `<Item/>` is of another language.
  if (isVoid(name) ? closes : rest.includes('/')) return null
  return { name, closes, attrs, end: at + end }
}

/** A tag of anything, as it is written at `at`; empty where none is. */
export function anyTagAt(text: string, at: number): string {
  return anyTag.exec(text.slice(at, at + maxTagLength))?.[0] ?? ''
}

/** Behind the comment that begins at `at`: 0 where none does, -1 where it has no end yet. One in which another begins is none. */
export function commentEnd(text: string, at: number): number {
  const told = commentTold(text, at)
  return told > 0 && !text.endsWith('-->', told) ? 0 : told
}

/** Where it is told whether the comment that begins at `at` is one: behind its end, or behind the beginning of another. 0 and -1 as above. */
export function commentTold(text: string, at: number): number {
  if (!text.startsWith('<!--', at)) return 0
  const mark = /-->|<!--/g
  mark.lastIndex = at + 2
  return mark.test(text) ? mark.lastIndex : -1
}

/** Is what begins at `at` the beginning of something that is not shown as it is written: an element, a comment, an address? */
export function isHalf(text: string, at: number): boolean {
  if (text[at + 1] === '!') return commentEnd(text, at) === -1 || /^<!-?$/.test(text.slice(at, at + 4))
  return tagAt(text, at) === 'half' || isHalfAddress(text.slice(at + 1, at + 1 + maxTagLength))
}

const schemes = ['http:', 'https:', 'mailto:']

const isHalfAddress = (text: string) =>
  schemes.some((scheme) => scheme.startsWith(text.toLowerCase())) || /^(?:https?|mailto):[^\s<>]*$/i.test(text)
