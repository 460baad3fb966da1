/**
 * What Markdown becomes: plain objects that a page, React and the server each
 * make their own thing of. Equal keys among siblings of two versions mean the
 * same place; the same object means the same content.
 */
export type MarkdownNode = TextNode | ElementNode | CodeNode | MathNode

export interface TextNode {
  readonly type: 'text'
  readonly key: string
  readonly text: string
}

export interface ElementNode {
  readonly type: 'element'
  readonly key: string
  readonly tag: string
  readonly attrs: Readonly<Record<string, string>>
  readonly children: readonly MarkdownNode[]
}

/** A fenced or indented block. Its children are pieces of its text, each the same object once it is finished. */
export interface CodeNode {
  readonly type: 'code'
  readonly key: string
  /** The first word behind the fence, in lower case; empty where none is named. */
  readonly language: string
  /** False while its end has not come: a diagram cannot be drawn of half its text. */
  readonly closed: boolean
  readonly children: readonly TextNode[]
}

export interface MathNode {
  readonly type: 'math'
  readonly key: string
  /** On lines of its own. */
  readonly display: boolean
  readonly closed: boolean
  readonly text: string
}

/** 32 blocks that are laid out together; the same object once all of them are finished. */
export interface MarkdownChunk {
  readonly key: string
  readonly children: readonly MarkdownNode[]
}

export interface MarkdownTree {
  readonly chunks: readonly MarkdownChunk[]
}

export const noAttrs: Readonly<Record<string, string>> = Object.freeze({})

/** All that may come of a message. What is not named is not made: scripts, styles, frames, forms, SVG, handlers, ids, classes. */
const allowed: Record<string, readonly string[]> = {
  a: ['href', 'title', 'rel'],
  img: ['src', 'alt', 'title'],
  ol: ['start'],
  td: ['align', 'colspan', 'rowspan'],
  th: ['align', 'colspan', 'rowspan'],
}
for (const tag of (
  'abbr b blockquote br caption code dd del details dl dt em h1 h2 h3 h4 h5 h6 hr i ins kbd li mark p pre q s samp ' +
  'strong sub summary sup table tbody tfoot thead tr ul'
).split(' '))
  allowed[tag] = []

/** Has HTML no content for it? */
export const isVoid = (tag: string): boolean => /^(?:br|hr|img)$/.test(tag)

/** `img` is made by a policy alone, never by what a message says. */
export const isAllowed = (tag: string): boolean => Object.hasOwn(allowed, tag)

/** May it become the name of one? */
export const beginsAllowed = (letters: string): boolean => Object.keys(allowed).some((tag) => tag.startsWith(letters))

/** Those of these attributes that may be on this element. */
export function allowedAttrs(tag: string, attrs: Readonly<Record<string, string>>): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const name of allowed[tag] ?? []) {
    const value = Object.hasOwn(attrs, name) ? attrs[name]! : undefined
    if (value === undefined) continue
    const safe = checks[name] ? checks[name](value) : value
    if (safe !== null) kept[name] = safe
  }
  if (tag === 'a') kept['rel'] = 'noopener noreferrer nofollow'
  return kept
}

const wholeNumber = (value: string) => (/^\d{1,9}$/.test(value) ? value : null)
const checks: Record<string, (value: string) => string | null> = {
  href: safeUrl,
  src: safeImageUrl,
  start: wholeNumber,
  colspan: wholeNumber,
  rowspan: wholeNumber,
  align: (value) => (/^(?:left|right|center|justify)$/i.test(value) ? value.toLowerCase() : null),
}

/** An address that an image may have, if a policy says so: one that may be followed, or a picture of pixels that the text itself holds. */
export function safeImageUrl(url: string): string | null {
  return /^data:image\/(?:avif|gif|jpeg|png|webp);base64,[a-z\d+/]+={0,2}$/i.test(url) ? url : safeUrl(url)
}

/** An address that may be followed, as a browser would read it: of the web, of mail, or of this server. Null for any other. */
export function safeUrl(url: string): string | null {
  // Browsers drop these before they look for a scheme.
  // oxlint-disable-next-line no-control-regex
  const bare = url.replace(/^[\u0000-\u0020]+|[\u0000-\u0020]+$|[\t\n\r]/g, '')
  const scheme = /^([^/?#]*?):/.exec(bare)?.[1]
  if (scheme !== undefined) return /^(?:https?|mailto)$/i.test(scheme) ? bare : null
  return /^[/\\]{2}/.test(bare) ? null : bare
}
