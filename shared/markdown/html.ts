import { decodeEntities } from './entities.ts'
import { anyTagAt, commentEnd, tagAt } from './tags.ts'

/** What a piece of HTML says, in order. Comments are not told; what is no element that may be is text, as it was written. */
export type HtmlEvent =
  | { type: 'text'; text: string }
  | { type: 'open'; tag: string; attrs: Record<string, string> }
  | { type: 'close'; tag: string; written: string }
  /** An image: what comes of it is a matter of policy. */
  | { type: 'image'; src: string; alt: string }

export function htmlEvents(html: string): HtmlEvent[] {
  const events: HtmlEvent[] = []
  const text = (words: string) => {
    const last = events.at(-1)
    if (last?.type === 'text') last.text += words
    else if (words !== '') events.push({ type: 'text', text: words })
  }
  for (let at = 0; at < html.length;) {
    const next = html.indexOf('<', at)
    text(decodeEntities(html.slice(at, next === -1 ? undefined : next)))
    if (next === -1) break
    const comment = commentEnd(html, next)
    const tag = comment > 0 ? null : tagAt(html, next)
    if (comment > 0) at = comment
    else if (tag === null || tag === 'half' || (tag.name === 'img' && !tag.attrs['src'])) {
      const written = anyTagAt(html, next) || '<'
      text(written)
      at = next + written.length
    } else {
      const written = html.slice(next, tag.end)
      at = tag.end
      const { name, closes, attrs } = tag
      if (name === 'img') events.push({ type: 'image', src: attrs['src']!, alt: attrs['alt'] ?? '' })
      else events.push(closes ? { type: 'close', tag: name, written } : { type: 'open', tag: name, attrs })
    }
  }
  return events
}
