import type { ElementNode } from '../../markdown/index.ts'
import { noAttrs } from '../../../shared/markdown/nodes.ts'

/** What stands at an offset of a text, such as the number of a source. */
export interface TextMark {
  /** Of its own among the marks of a text. */
  readonly key: string
  /** It stands behind this offset (UTF-16) of the Markdown. */
  readonly at: number
  /** What stands from here on up to `at` is left out: the mark says the same. */
  readonly from?: number | undefined
}

const marks = new WeakMap<ElementNode, TextMark>()
const nodes = new WeakMap<TextMark, ElementNode>()

/** The element that stands for a mark: the same one for the same mark. */
export function nodeOf(mark: TextMark): ElementNode {
  const key = `mark ${mark.key}`
  const node = nodes.get(mark) ?? { type: 'element', key, tag: 'sup', attrs: noAttrs, children: [] }
  nodes.set(mark, node)
  marks.set(node, mark)
  return node
}

export const markOf = (node: ElementNode): TextMark | undefined => marks.get(node)
