/** What the bench opens in Chromium: this project's Markdown and growing text. */
import { GrowingMarkdown, MarkdownView } from '../../client/markdown/index.ts'
import { TextPieces } from '../../client/pieces.ts'

const root = document.querySelector<HTMLElement>('#root')!

export function startMarkdown(): (text: string) => void {
  const markdown = new GrowingMarkdown()
  const view = new MarkdownView(root)
  return (text) => view.update(markdown.append(text))
}

/** An element a piece, as the page has it. */
export function startPlain(): (text: string) => void {
  const pieces = new TextPieces()
  let shown = 0
  let last: Text | null = null
  const show = (index: number, text: string) => {
    if (index < shown && last) last.appendData(text.slice(last.length))
    else {
      const element = document.createElement('div')
      element.style.setProperty('content-visibility', 'auto')
      element.style.setProperty('contain-intrinsic-block-size', 'auto 30rem')
      last = document.createTextNode(text)
      element.append(last)
      root.append(element)
      shown = index + 1
    }
  }
  root.style.whiteSpace = 'pre-wrap'
  root.style.overflowWrap = 'anywhere'
  return (text) => {
    pieces.append(text)
    const { finished, open } = pieces
    for (let i = Math.max(0, shown - 1); i < finished.length; i++) show(i, finished[i]!.text)
    if (open.text !== '') show(finished.length, open.text)
  }
}

/** What a frame costs in which one character changes on an empty page. */
function startEmpty(): (text: string) => void {
  const text = document.createTextNode('0')
  root.append(text)
  let shown = 0
  return () => {
    shown += 1
    text.data = String(shown % 10)
  }
}

Object.assign(globalThis, { start: { markdown: startMarkdown, plain: startPlain, empty: startEmpty } })
