import type { CodeNode, ElementNode, MarkdownChunk, MarkdownNode, MathNode } from '../../markdown/index.ts'
import { allowedAttrs, isAllowed, isVoid } from '../../../shared/markdown/nodes.ts'
import { createElement, type ComponentType, type ReactElement, type ReactNode } from '../react.ts'
import { markOf, type TextMark } from './mark-nodes.ts'
import { fittingTag, isSpace, placeIn, tableChildren, type Place } from './nesting.ts'

/** Your components in place of elements. Create the object once, outside of rendering: a new object renders everything again. */
export interface MarkdownComponents {
  /** Gives each top-level block `dir="auto"`, so it finds the direction of its text. */
  readonly dir?: 'auto'
  /** A block of code; `text` is its content so far. */
  readonly code?: ComponentType<{ node: CodeNode; text: string }>
  readonly math?: ComponentType<{ node: MathNode }>
  /** What stands for a mark of the text. */
  readonly mark?: ComponentType<{ mark: TextMark }>
  /** By tag, as in `{ a: Link }`. They get the props that the element would have. */
  readonly elements?: Readonly<Record<string, ComponentType<Record<string, unknown> & { children?: ReactNode }>>>
}

/**
 * Keeps one React element for each node as long as the node lives. React skips an element that is the same object,
 * so a token costs only the nodes that it changed.
 */
export class Elements {
  readonly #components: MarkdownComponents
  readonly #made = new WeakMap<MarkdownChunk | MarkdownNode, ReactNode>()

  constructor(components: MarkdownComponents = {}) {
    this.#components = components
  }

  chunk(chunk: MarkdownChunk): ReactNode {
    return this.#once(chunk, () => {
      const blocks = chunk.children.map((node) => this.#block(node))
      return createElement('div', { key: chunk.key, className: 'markdown-chunk', ref: hiddenChunk }, blocks)
    })
  }

  /** In its place, until it comes. */
  emptyChunk({ key }: MarkdownChunk): ReactNode {
    return createElement('div', { key, className: 'markdown-chunk', ref: hiddenChunk, style: emptyStyle })
  }

  #once<Node extends MarkdownChunk | MarkdownNode>(node: Node, make: (node: Node) => ReactNode): ReactNode {
    let made = this.#made.get(node)
    if (made === undefined) this.#made.set(node, (made = make(node)))
    return made
  }

  /** What stands at the top is laid out by itself. */
  #block(node: MarkdownNode): ReactNode {
    return this.#once(node, () => this.#make(node, top, { ref: hiddenBlock, dir: this.#components.dir }))
  }

  #inner(node: MarkdownNode, place: Place): ReactNode {
    return node.type === 'text' ? node.text : this.#once(node, () => this.#make(node, place))
  }

  #make(node: MarkdownNode, place: Place, { ref, dir }: AtTop = {}): ReactNode {
    switch (node.type) {
      case 'text':
        return node.text
      case 'code':
        return this.#code(node, { ref })
      case 'math':
        return this.#math(node, { ref })
      case 'element':
        return this.#element(node, place, { ref, dir })
    }
  }

  #element(node: ElementNode, place: Place, { ref, dir }: AtTop): ReactElement {
    const mark = markOf(node)
    if (mark) return this.#mark(node, mark)
    // A tree may come from elsewhere.
    const wanted = isAllowed(node.tag) ? fittingTag(node, place) : 'span'
    const table = wanted === 'table' ? tableChildren(node) : null
    const tag = wanted === 'table' && !table ? 'div' : wanted
    const attrs = tag === node.tag && propsOf(allowedAttrs(tag, node.attrs))
    const props = { key: node.key, ...attrs, ...(dir && { dir }) }
    const { elements = {} } = this.#components
    const own = Object.hasOwn(elements, tag) ? elements[tag] : undefined
    if (isVoid(tag)) return createElement(own ?? tag, { ...props, ...(!own && { ref }) })
    const within = placeIn(tag, place)
    const children = within.inTable ? (table ?? node.children).filter((child) => !isSpace(child)) : node.children
    const inner = children.map((child) => this.#inner(child, within))
    return createElement(own ?? tag, { ...props, ...(!own && { ref }) }, inner)
  }

  #mark({ key, tag }: ElementNode, mark: TextMark): ReactElement {
    const { mark: own } = this.#components
    return own ? createElement(own, { key, mark }) : createElement(tag, { key }, mark.key)
  }

  #math(node: MathNode, { ref }: AtTop): ReactElement {
    const { math } = this.#components
    if (math) return createElement(math, { key: node.key, node })
    return createElement(node.display ? 'div' : 'span', { key: node.key, className: 'markdown-math', ref }, node.text)
  }

  #code(node: CodeNode, { ref }: AtTop): ReactElement {
    const { code } = this.#components
    // Put together without copying: whoever does not read it pays for no more than its pieces.
    if (code)
      return createElement(code, { key: node.key, node, text: node.children.reduce((all, { text }) => all + text, '') })
    const pieces = node.children.map((piece) =>
      this.#once(piece, () =>
        createElement('span', { key: piece.key, className: 'markdown-piece', ref: hiddenPiece }, piece.text),
      ),
    )
    const language = node.language === '' ? {} : { 'data-language': node.language }
    return createElement('pre', { key: node.key, ...language, ref }, createElement('code', null, pieces))
  }
}

const top: Place = {}

const propNames: Readonly<Record<string, string>> = { colspan: 'colSpan', rowspan: 'rowSpan' }

function propsOf(attrs: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(attrs).map(([name, value]) => [propNames[name] ?? name, value]))
}

/** What a block at the top has more. */
interface AtTop {
  ref?: Ref | undefined
  dir?: 'auto' | undefined
}

type Ref = (element: HTMLElement | null) => void

/** Not as a prop: in what a server has rendered, a strict policy would forbid it. */
function hiddenUntilSeen(size: string, display?: string): Ref {
  return (element) => {
    if (!element) return
    if (display !== undefined) element.style.setProperty('display', display)
    element.style.setProperty('content-visibility', 'auto')
    element.style.setProperty('contain-intrinsic-block-size', size)
  }
}

const chunkSize = '60rem'
/** Also where it is in view. */
const emptyStyle = { minBlockSize: chunkSize }
const hiddenChunk = hiddenUntilSeen(`auto ${chunkSize}`)
const hiddenBlock = hiddenUntilSeen('auto 3rem')
const hiddenPiece = hiddenUntilSeen('auto 40rem', 'block')
