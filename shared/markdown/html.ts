import { decodeEntities } from './entities.ts'
import { isAllowed } from './nodes.ts'

/** What a piece of HTML says, in order. Comments, declarations and tags that may not be are not told. */
export type HtmlEvent =
  | { type: 'text'; text: string }
  | { type: 'open'; tag: string; attrs: Record<string, string> }
  | { type: 'close'; tag: string }
  /** An image: what comes of it is a matter of policy. */
  | { type: 'image'; src: string; alt: string }

/** What is in them is not for readers. */
const hidden =
  /^(?:script|style|textarea|option|noscript|iframe|xmp|noembed|noframes|plaintext|template|title|svg|math|object)$/

/** The element that this tag begins, where what is in it is not for readers. */
export function hiddenBy(tag: string): string | null {
  const name = /^<([a-zA-Z][a-zA-Z0-9]*)/.exec(tag)?.[1]!.toLowerCase()
  return name !== undefined && hidden.test(name) && !tag.endsWith('/>') ? name : null
}

/** A tag that is longer than this is none: looking for its end would cost too much. */
const maxTagLength = 4_000
const tagAtStart = /^<(\/?)([a-zA-Z][a-zA-Z0-9:-]*)((?:[^>"']|"[^"]*"|'[^']*')*)>/

export function htmlEvents(html: string): HtmlEvent[] {
  const events: HtmlEvent[] = []
  let inside: string | null = null
  const text = (words: string) => {
    if (inside === null && words !== '') events.push({ type: 'text', text: decodeEntities(words) })
  }
  for (let at = 0; at < html.length;) {
    const next = html.indexOf('<', at)
    if (next === -1) {
      text(html.slice(at))
      break
    }
    text(html.slice(at, next))
    const end = endOfSilent(html, next)
    if (end > 0) {
      at = end
      continue
    }
    const tag = tagAtStart.exec(html.slice(next, next + maxTagLength))
    if (!tag) {
      text('<')
      at = next + 1
      continue
    }
    at = next + tag[0].length
    const name = tag[2]!.toLowerCase()
    const closes = tag[1] === '/'
    if (inside !== null) {
      if (closes && name === inside) inside = null
    } else if (hidden.test(name)) {
      if (!closes && !tag[3]!.endsWith('/')) inside = name
    } else if (name === 'img') {
      const attrs = attrsOf(tag[3]!)
      events.push({ type: 'image', src: attrs['src'] ?? '', alt: attrs['alt'] ?? '' })
    } else if (isAllowed(name)) {
      events.push(closes ? { type: 'close', tag: name } : { type: 'open', tag: name, attrs: attrsOf(tag[3]!) })
    }
  }
  return events
}

/** Behind a comment, a declaration, an instruction or CDATA; 0 where none begins. One without an end takes all. */
function endOfSilent(html: string, at: number): number {
  const close = html.startsWith('<!--', at)
    ? '-->'
    : html.startsWith('<![CDATA[', at)
      ? ']]>'
      : html.startsWith('<!', at) || html.startsWith('<?', at)
        ? '>'
        : null
  if (close === null) return 0
  const end = html.indexOf(close, at + 2)
  return end === -1 ? html.length : end + close.length
}

function attrsOf(text: string): Record<string, string> {
  const attrs: Record<string, string> = {}
  for (const [, name, a, b, c] of text.matchAll(/([^\s"'<>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'=<>`]+)))?/g)) {
    const key = name!.toLowerCase()
    if (!Object.hasOwn(attrs, key)) attrs[key] = decodeEntities(a ?? b ?? c ?? '')
  }
  return attrs
}
