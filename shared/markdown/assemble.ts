import { allowedAttrs, isAllowed, isVoid, noAttrs, type ElementNode, type MarkdownNode } from './nodes.ts'

/** What blocks and inline text are made of, in order: HTML may open an element in one block and close it in another. */
export type Item =
  | { node: MarkdownNode }
  | { open: string; attrs: Readonly<Record<string, string>>; key: string }
  | { close: string; written: string; key: string }

/** Deeper ones are left out, and their content stays. */
const maxNesting = 32
/** A second one of these ends the first. */
const impliedEnds: Record<string, string> = { p: 'p', li: 'li', tr: 'tr', td: 'td', th: 'th', dt: 'dt', dd: 'dd' }

/** An element that is allowed, with what is allowed on it. The only place that makes one. */
export function elementNode(
  tag: string,
  key: string,
  children: readonly MarkdownNode[],
  attrs: Readonly<Record<string, string>> = noAttrs,
): ElementNode {
  if (!isAllowed(tag)) throw new Error(`There is no element ${tag} here.`)
  return {
    type: 'element',
    key,
    tag,
    attrs: tag === 'a' || attrs !== noAttrs ? allowedAttrs(tag, attrs) : noAttrs,
    children,
  }
}

/** Elements inside each other, as far as their tags fit; what is open at the end ends there. */
export class Assembly {
  readonly nodes: MarkdownNode[] = []
  readonly #stack: { tag: string; key: string; attrs: Readonly<Record<string, string>>; children: MarkdownNode[] }[] =
    []
  /** How many ended without a tag of their own, which may still come. */
  readonly #early: Map<string, number>

  /** `before`: what stands before it. */
  constructor(before?: Assembly) {
    this.#early = before ? new Map(before.#early) : new Map()
  }

  /** Is no element open? */
  get isLevel(): boolean {
    return this.#stack.length === 0
  }

  add(items: readonly Item[]): this {
    for (const item of items) {
      if ('node' in item) this.#children.push(item.node)
      else if ('close' in item) this.#close(item)
      else this.#open(item.open, item.key, item.attrs)
    }
    return this
  }

  end(): MarkdownNode[] {
    while (this.#stack.length > 0) this.#pop()
    return this.nodes
  }

  get #children(): MarkdownNode[] {
    return this.#stack.at(-1)?.children ?? this.nodes
  }

  #open(tag: string, key: string, attrs: Readonly<Record<string, string>>): void {
    if (isVoid(tag)) {
      this.#children.push(elementNode(tag, key, [], attrs))
      return
    }
    if (impliedEnds[tag] !== undefined && this.#stack.at(-1)?.tag === tag) this.#endEarly(this.#pop())
    if (this.#stack.length < maxNesting) this.#stack.push({ tag, key, attrs, children: [] })
    else this.#endEarly(tag)
  }

  #close({ close: tag, written, key }: { close: string; written: string; key: string }): void {
    if (this.#stack.some((open) => open.tag === tag)) {
      for (let ended = this.#pop(); ended !== tag; ended = this.#pop()) this.#endEarly(ended)
      return
    }
    const early = this.#early.get(tag) ?? 0
    if (early > 0) this.#early.set(tag, early - 1)
    // It ends nothing: text as it was written.
    else this.#children.push({ type: 'text', key, text: written })
  }

  #endEarly(tag: string): void {
    this.#early.set(tag, (this.#early.get(tag) ?? 0) + 1)
  }

  #pop(): string {
    const { tag, key, attrs, children } = this.#stack.pop()!
    this.#children.push(elementNode(tag, key, children, attrs))
    return tag
  }
}

/** One element, as items. */
export function element(
  tag: string,
  key: string,
  children: readonly MarkdownNode[],
  attrs: Readonly<Record<string, string>> = {},
): Item[] {
  return [{ node: elementNode(tag, key, children, attrs) }]
}

/** None for no text. */
export function textItems(text: string): Item[] {
  return text === '' ? [] : [{ node: { type: 'text', key: '0', text } }]
}

export function nodesOf(items: readonly Item[]): MarkdownNode[] {
  return new Assembly().add(items).end()
}

/** Texts beside each other are one. */
export function append(items: Item[], ...more: readonly Item[]): void {
  for (const item of more) {
    const last = items.at(-1)
    if ('node' in item && item.node.type === 'text' && last && 'node' in last && last.node.type === 'text')
      items[items.length - 1] = { node: { ...last.node, text: last.node.text + item.node.text } }
    else items.push(item)
  }
}

/** With keys by place. */
export function rekeyed(items: readonly Item[], prefix = ''): Item[] {
  return items.map((item, index) => {
    const key = `${prefix}${index}`
    if ('node' in item) return item.node.key === key ? item : { node: { ...item.node, key } }
    return { ...item, key }
  })
}
