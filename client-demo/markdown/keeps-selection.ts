import type { TextMarks } from '@runnel/client/react/markdown'
import { Component, type ReactNode } from 'react'

interface Props {
  marks: TextMarks | undefined
  children: ReactNode
}

/** A place in the words of a block of text: marks are none. */
interface Point {
  readonly block: Element
  readonly offset: number
}

interface Selected {
  readonly anchor: Point
  readonly focus: Point
}

/** What a reader has selected stays selected when marks come into the text: they cut its words into others. */
export class KeepsSelection extends Component<Props> {
  override getSnapshotBeforeUpdate({ marks }: Props): Selected | null {
    const selection = marks === this.props.marks ? null : getSelection()
    if (!selection || selection.isCollapsed) return null
    const anchor = pointOf(selection.anchorNode, selection.anchorOffset)
    const focus = pointOf(selection.focusNode, selection.focusOffset)
    return anchor && focus && { anchor, focus }
  }

  override componentDidUpdate(_props: Props, _state: unknown, selected: Selected | null): void {
    if (!selected) return
    const [anchor, focus] = [placeOf(selected.anchor), placeOf(selected.focus)]
    if (anchor && focus) getSelection()!.setBaseAndExtent(...anchor, ...focus)
  }

  override render(): ReactNode {
    return this.props.children
  }
}

const blocks = '.md :is(p, li, td, th, h1, h2, h3, h4, h5, h6, div)'

function pointOf(node: Node | null, at: number): Point | null {
  if (!(node instanceof Text)) return null
  const block = node.parentElement?.closest(blocks)
  if (!block) return null
  let offset = at
  for (const words of wordsIn(block)) {
    if (words === node) return { block, offset }
    offset += words.length
  }
  return null
}

function placeOf({ block, offset }: Point): [Text, number] | null {
  if (!block.isConnected) return null
  let rest = offset
  for (const words of wordsIn(block)) {
    if (rest <= words.length) return [words, rest]
    rest -= words.length
  }
  return null
}

function* wordsIn(block: Element): Generator<Text> {
  const walker = document.createTreeWalker(block, NodeFilter.SHOW_TEXT)
  for (let node = walker.nextNode(); node; node = walker.nextNode())
    if (!node.parentElement!.closest('.cite-holder')) yield node as Text
}
