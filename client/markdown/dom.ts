import {
  allowedAttrs,
  isAllowed,
  type CodeNode,
  type MarkdownChunk,
  type MarkdownNode,
  type MathNode,
  type MarkdownTree,
} from '../../shared/markdown/nodes.ts'

/** Called once for what is finished; the element is theirs from then on. They may load what they need first. */
export interface MarkdownParts {
  /** For highlighting, and for diagrams (`node.language === 'mermaid'`). `element`: the `pre`, with a `code` in it. */
  code?: ((node: CodeNode, element: HTMLElement) => void) | undefined
  math?: ((node: MathNode, element: HTMLElement) => void) | undefined
}

/**
 * Elements of a tree. An update costs what changed: a node that is the same
 * object is not looked at, a text that grew is appended to, so that what a
 * reader has selected stays selected. Never parses HTML.
 */
export class MarkdownView {
  readonly element: HTMLElement
  readonly #parts: MarkdownParts
  readonly #given = new WeakSet<Node>()
  #chunks: readonly MarkdownChunk[] = []

  constructor(element: HTMLElement, parts: MarkdownParts = {}) {
    this.element = element
    this.#parts = parts
  }

  update({ chunks }: MarkdownTree): void {
    if (chunks === this.#chunks) return
    chunks.forEach((chunk, index) => {
      const old = this.#chunks[index]
      if (old === chunk) return
      this.#update(this.element.children[index] ?? this.#newChunk(), old?.children ?? [], chunk.children, true)
    })
    for (let i = this.#chunks.length; i > chunks.length; i--) this.element.lastElementChild!.remove()
    this.#chunks = chunks
  }

  #newChunk(): HTMLElement {
    const element = this.element.ownerDocument.createElement('div')
    element.className = 'markdown-chunk'
    skipWhileHidden(element, 'auto 60rem')
    this.element.append(element)
    return element
  }

  #update(parent: Element, before: readonly MarkdownNode[], after: readonly MarkdownNode[], isTop = false): void {
    const shared = Math.min(before.length, after.length)
    for (let i = 0; i < shared; i++) {
      const [old, next] = [before[i]!, after[i]!]
      if (old === next) continue
      const place = i === before.length - 1 ? parent.lastChild! : parent.childNodes[i]!
      if (!this.#patch(place, old, next)) place.replaceWith(this.#make(next, isTop))
    }
    for (let i = before.length; i > shared; i--) parent.lastChild!.remove()
    for (let i = shared; i < after.length; i++) parent.append(this.#make(after[i]!, isTop))
  }

  /** False: this needs another element. */
  #patch(place: Node, old: MarkdownNode, next: MarkdownNode): boolean {
    if (old.type === 'text' && next.type === 'text') {
      setText(place as Text, old.text, next.text)
      return true
    }
    if (old.type === 'math' && next.type === 'math' && isSameMath(old, next)) return true
    if (old.type === 'code' && next.type === 'code' && isSameCode(old, next)) return true
    if (this.#given.has(place)) return false
    if (old.type === 'code' && next.type === 'code') {
      this.#fill(place as HTMLElement, old, next)
      return true
    }
    if (old.type !== 'element' || next.type !== 'element' || old.tag !== next.tag) return false
    if (old.attrs !== next.attrs) setAttrs(place as Element, next.tag, next.attrs)
    this.#update(place as Element, old.children, next.children)
    return true
  }

  #make(node: MarkdownNode, isTop: boolean): Node {
    const made = this.#new(node)
    if (isTop && 'style' in made) skipWhileHidden(made as HTMLElement, 'auto 3rem')
    return made
  }

  #new(node: MarkdownNode): Node {
    const { ownerDocument } = this.element
    switch (node.type) {
      case 'text':
        return ownerDocument.createTextNode(node.text)
      case 'code': {
        const element = ownerDocument.createElement('pre')
        element.append(ownerDocument.createElement('code'))
        this.#fill(element, null, node)
        return element
      }
      case 'math': {
        const element = ownerDocument.createElement(node.display ? 'div' : 'span')
        element.className = 'markdown-math'
        element.textContent = node.text
        if (node.closed && this.#parts.math) this.#give(element, () => this.#parts.math!(node, element))
        return element
      }
      case 'element': {
        // A tree may come from elsewhere.
        const element = ownerDocument.createElement(isAllowed(node.tag) ? node.tag : 'span')
        setAttrs(element, node.tag, node.attrs)
        this.#update(element, [], node.children)
        return element
      }
    }
  }

  /** Each piece of a code is laid out by itself. */
  #fill(element: HTMLElement, old: CodeNode | null, next: CodeNode): void {
    const code = element.firstElementChild as HTMLElement
    if (next.language !== '') element.dataset['language'] = next.language
    next.children.forEach(({ text }, index) => {
      const before = old?.children[index]
      if (before === next.children[index]) return
      if (before) return setText(code.children[index]!.firstChild as Text, before.text, text)
      const piece = this.element.ownerDocument.createElement('span')
      piece.className = 'markdown-piece'
      piece.style.display = 'block'
      skipWhileHidden(piece, 'auto 40rem')
      piece.append(text)
      code.append(piece)
    })
    for (let i = old?.children.length ?? 0; i > next.children.length; i--) code.lastElementChild!.remove()
    if (next.closed && this.#parts.code) this.#give(element, () => this.#parts.code!(next, element))
  }

  #give(element: Node, take: () => void): void {
    if (this.#given.has(element)) return
    this.#given.add(element)
    take()
  }
}

/** The browser leaves it out while it is out of view; until it was seen it has the size of a guess. */
function skipWhileHidden(element: HTMLElement, size: string): void {
  element.style.setProperty('content-visibility', 'auto')
  element.style.setProperty('contain-intrinsic-block-size', size)
}

const isSameMath = (a: MathNode, b: MathNode) => a.text === b.text && a.display === b.display && a.closed === b.closed

const isSameCode = (a: CodeNode, b: CodeNode) =>
  a.language === b.language &&
  a.closed === b.closed &&
  a.children.length === b.children.length &&
  a.children.every(({ text }, i) => text === b.children[i]!.text)

function setText(node: Text, old: string, next: string): void {
  if (next === old) return
  if (next.startsWith(old)) node.appendData(next.slice(old.length))
  else node.data = next
}

function setAttrs(element: Element, tag: string, attrs: Readonly<Record<string, string>>): void {
  const allowed = allowedAttrs(tag, attrs)
  for (const name of element.getAttributeNames())
    if (name !== 'style' && !(name in allowed)) element.removeAttribute(name)
  for (const [name, value] of Object.entries(allowed))
    if (element.getAttribute(name) !== value) element.setAttribute(name, value)
}
