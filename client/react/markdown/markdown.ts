import { GrowingMarkdown, type MarkdownOptions, type MarkdownTree } from '../../markdown/index.ts'
import { bringTo, type Follower, type TextForm } from '../../parts/growing.ts'
import { paced } from '../../parts/paced.ts'
import type { GrowingField } from '../../../shared/schema.ts'
import { useGrowingText } from '../live.ts'
import { createElement, useMemo, type ReactElement } from '../react.ts'
import { Elements, type MarkdownComponents } from './elements.ts'
import { useFilling } from './filling.ts'
import type { TextMarks } from './marks.ts'

interface Look {
  /** Of the element around it. */
  className?: string | undefined
  components?: MarkdownComponents | undefined
  /** What images become. Make the object once, as `components`. */
  options?: MarkdownOptions | undefined
  /** What stands at offsets of the text, such as numbers of sources. Make the object once. */
  marks?: TextMarks | undefined
}

export interface MarkdownProps extends Look {
  text: string
  /** More text will come: the end is shown as what it will most likely become. */
  isGrowing?: boolean | undefined
}

/** Shows a text as Markdown. A growing text costs what is new, and one comparison with what is there. */
export function Markdown({ text, isGrowing = false, options, ...look }: MarkdownProps): ReactElement {
  // A tree is the text's own, however it came about: rendering twice, or another text in between, gives the same.
  const follower = useMemo(() => formOf(options).follow(() => {}), [options])
  const tree = useMemo(() => {
    bringTo(follower, text)
    // Nothing more of it: growing again, where it was whole before.
    if (isGrowing) follower.replaceFrom(text.length, '')
    else follower.end()
    return follower.shown()
  }, [follower, text, isGrowing])
  return createElement(Tree, { ...look, tree, text })
}

export interface BlockMarkdownProps extends Look {
  messageId: string
  blockId: string
  /** The field of the block; default `text`. */
  field?: GrowingField | undefined
  /** Text that comes in bursts is revealed evenly, frame by frame, never more than 150 ms behind. */
  pace?: boolean | undefined
  /** With `marks`: the text of the block, as `useBlock` tells it. */
  text?: string | undefined
}

/** Shows a block of an answer as Markdown, live. */
export function BlockMarkdown(props: BlockMarkdownProps): ReactElement {
  const { messageId, blockId, field = 'text', options, pace = false, ...look } = props
  const form = pace ? paced(formOf(options)) : formOf(options)
  return createElement(Tree, { ...look, tree: useGrowingText(messageId, blockId, field, form) })
}

interface TreeProps extends Omit<Look, 'options'> {
  tree: MarkdownTree
  text?: string | undefined
}

function Tree({ tree, text = '', className, components, marks }: TreeProps): ReactElement {
  const elements = useMemo(() => new Elements(components), [components])
  const { from, to } = useFilling(tree.chunks.length)
  const chunks = (marks?.chunks(tree.chunks, text) ?? tree.chunks).map((chunk, index) =>
    index >= from && index < to ? elements.emptyChunk(chunk) : elements.chunk(chunk),
  )
  return createElement('div', { className }, chunks)
}

const plain: MarkdownOptions = {}
const forms = new WeakMap<MarkdownOptions, TextForm<MarkdownTree>>()

/** One form for the same options: what is followed is known by it. */
function formOf(options = plain): TextForm<MarkdownTree> {
  let form = forms.get(options)
  if (!form) forms.set(options, (form = { follow: () => followMarkdown(options) }))
  return form
}

function followMarkdown(options: MarkdownOptions): Follower<MarkdownTree> {
  const markdown = new GrowingMarkdown(options)
  return {
    get length() {
      return markdown.text.length
    },
    toString: () => markdown.text,
    replaceFrom: (from, text) => void markdown.replaceFrom(from, text),
    end: () => void markdown.end(),
    shown: () => markdown.tree,
  }
}
