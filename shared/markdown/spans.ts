import { append, Assembly, element, nodesOf, rekeyed, textItems, type Item } from './assemble.ts'
import { decodeEntities } from './entities.ts'
import type { LinkTarget } from './defines.ts'
import { InlineReader, type FootnoteRef, type MathToken, type Token, type Tokens } from './grammar.ts'
import { htmlEvents, type HtmlEvent } from './html.ts'
import type { Memory } from './memory.ts'
import { isVoid, safeImageUrl, safeUrl, type MarkdownNode } from './nodes.ts'
import { repairInline } from './repair.ts'
import { Sections } from './sections.ts'
import { commentEnd, tagAt } from './tags.ts'

export interface MarkdownOptions {
  /**
   * Whether an image may be loaded, and from where. Without it each image is a
   * link: one that is loaded by itself tells a stranger who reads. What it answers is held to the list of schemes; a picture
   * that the text itself holds (`data:image/png;base64,…`, of pixels, never SVG) may be.
   */
  image?: ((src: string, alt: string) => string | null) | undefined
}

/** Makes nodes of inline text and of HTML. */
export class Spans {
  readonly #options: MarkdownOptions
  readonly #memory: Memory
  readonly #reader: InlineReader
  readonly #sections = new Sections()
  /** What is being read, before its end was repaired. */
  #written = ''

  constructor(options: MarkdownOptions, memory: Memory) {
    this.#options = options
    this.#memory = memory
    // The parser asks it for each name that may be a link.
    const linkOf = (label: string | symbol) => (typeof label === 'string' ? memory.link(label) : undefined)
    const links = new Proxy(Object.create(null) as Record<string, LinkTarget>, {
      get: (_, label) => linkOf(label),
      getOwnPropertyDescriptor: (_, label) => {
        const value = linkOf(label)
        return value && { value, configurable: true, enumerable: true }
      },
    })
    this.#reader = new InlineReader(links)
  }

  /** Its sections are remembered one by one, each with keys of its own. `isGrowing`: its end is to be repaired. */
  inline(text: string, isGrowing: boolean): MarkdownNode[] {
    const sections = this.#sections.of(text)
    const nodes: MarkdownNode[] = []
    sections.forEach((section, index) => {
      const isOpen = isGrowing && index === sections.length - 1
      const shown = isOpen ? repairInline(section.text) : section.text
      const items = this.#memory.rememberOf(
        section,
        () => `inline ${index} ${shown}`,
        isOpen,
        () => {
          this.#written = section.text
          return wholeItems(this.#spans(this.#reader.read(shown), false, isOpen), index === 0 ? '' : `${index}/`)
        },
      )
      for (const item of items) if ('node' in item) nodes.push(item.node)
    })
    return nodes
  }

  html(html: string, key: string): Item[] {
    return htmlEvents(html).flatMap((event, index, events): Item[] => {
      const own = index === 0 ? key : `${key}.${index}`
      switch (event.type) {
        case 'open':
          return [{ open: event.tag, attrs: event.attrs, key: own }]
        case 'close':
          return [{ close: event.tag, written: event.written, key: own }]
        case 'image':
          return this.#image(event.src, event.alt, own, false)
        case 'text':
          return event.text.trim() === '' && !isBetweenWords(events, index)
            ? []
            : [{ node: { type: 'text', key: own, text: event.text } }]
      }
    })
  }

  /** `isGrowing`: what is open at its end may be closed later. */
  #spans(tokens: readonly Token[], isInLink: boolean, isGrowing: boolean): Item[] {
    const items: Item[] = []
    const elements = elementsIn(tokens, isGrowing)
    for (const token of tokens) {
      const key = String(items.length)
      const inside = (inLink = isInLink) =>
        new Assembly()
          .add(rekeyed(this.#spans((token as Tokens.Strong).tokens, inLink, isGrowing && token === tokens.at(-1))))
          .end()
      switch (token.type) {
        case 'text':
          append(items, ...textItems(decodeEntities((token as Tokens.Text).text)))
          break
        case 'escape':
          append(items, ...textItems((token as Tokens.Escape).text))
          break
        case 'strong':
        case 'em':
        case 'del':
          items.push(...element(token.type, key, inside()))
          break
        case 'codespan':
          items.push(...element('code', key, nodesOf(textItems((token as Tokens.Codespan).text))))
          break
        case 'br':
          items.push(...element('br', key, []))
          break
        case 'link': {
          const { href, title } = token as Tokens.Link
          const target = decodeEntities(href)
          if (token.raw.startsWith('<') && safeUrl(target) === null) append(items, ...textItems(token.raw))
          else if (isInLink || safeUrl(target) === null) items.push(...inside().map((node) => ({ node })))
          else
            items.push(
              ...element('a', key, inside(true), { href: target, ...(title ? { title: decodeEntities(title) } : {}) }),
            )
          break
        }
        case 'image': {
          const { href, text } = token as Tokens.Image
          append(items, ...this.#image(decodeEntities(href), decodeEntities(text), key, isInLink))
          break
        }
        case 'html':
          if (elements.has(token)) for (const item of this.html(token.raw, key)) append(items, item)
          else if (commentEnd(token.raw, 0) <= 0) append(items, ...textItems(token.raw))
          break
        case 'math': {
          const { text: formula, display, closed } = token as unknown as MathToken
          // One that the repair has closed is not whole.
          const isWhole = closed && this.#written.includes(token.raw)
          items.push({ node: { type: 'math', key, display, closed: isWhole, text: formula } })
          break
        }
        case 'footnoteRef':
          append(items, ...this.#noteRef(token as unknown as FootnoteRef, key))
          break
        default:
          append(items, ...textItems(token.raw))
      }
    }
    return items
  }

  #image(src: string, alt: string, key: string, isInLink: boolean): Item[] {
    const allowed = this.#options.image?.(src, alt)
    if (allowed !== undefined && allowed !== null && safeImageUrl(allowed) !== null)
      return element('img', key, [], { src: allowed, alt })
    const words = nodesOf(textItems(alt === '' ? src : alt))
    return isInLink || safeUrl(src) === null ? words.map((node) => ({ node })) : element('a', key, words, { href: src })
  }

  #noteRef({ label, raw }: FootnoteRef, key: string): Item[] {
    const number = this.#memory.noteNumber(label)
    return number === undefined ? textItems(raw) : element('sup', key, nodesOf(textItems(String(number))))
  }
}

const wholeItems = (items: readonly Item[], prefix: string): Item[] =>
  nodesOf(rekeyed(items, prefix)).map((node) => ({ node }))

/** The tags among these that make an element: both of a pair. Any other is text as it was written. */
function elementsIn(tokens: readonly Token[], isGrowing: boolean): Set<Token> {
  const found = new Set<Token>()
  const open = new Map<string, Token[]>()
  tokens.forEach((token, index) => {
    const tag = token.type === 'html' ? tagAt(token.raw, 0) : null
    if (tag === null || tag === 'half') return
    const { name, closes } = tag
    const starts = open.get(name) ?? []
    open.set(name, starts)
    const start = closes ? starts.pop() : undefined
    if (isVoid(name)) found.add(token)
    else if (start) found.add(start).add(token)
    else if (!closes && !(isGrowing && isTypeName(tokens[index - 1], token))) starts.push(token)
  })
  if (isGrowing) for (const starts of open.values()) for (const start of starts) found.add(start)
  return found
}

/** `List<S>` more likely names a type than it begins an element. */
const isTypeName = (before: Token | undefined, { raw }: Token) =>
  before?.type === 'text' && /\w$/.test(before.raw) && /^<[A-Z]/.test(raw)

/** Does white space here stand between two words, and not between blocks? */
function isBetweenWords(events: readonly HtmlEvent[], index: number): boolean {
  const isInline = (event: HtmlEvent | undefined) => event !== undefined && 'tag' in event && inlineTags.test(event.tag)
  return isInline(events[index - 1]) && isInline(events[index + 1])
}
const inlineTags = /^(?:a|abbr|b|code|del|em|i|ins|kbd|mark|q|s|samp|strong|su[bp])$/
