import { TextPieces } from '../text-pieces.ts'
import { decodeEntities } from './entities.ts'
import type { CodeNode, TextNode } from './nodes.ts'

const opening = /^ {0,3}(`{3,}|~{3,})([^\n]*)/

/** Does this text begin a fenced block? */
export function isFence(raw: string): boolean {
  const found = opening.exec(raw)
  return found !== null && !(found[1]!.startsWith('`') && found[2]!.includes('`'))
}

/** Does a block that begins so go on behind this text? */
export function isOpenFence(raw: string): boolean {
  if (!isFence(raw)) return false
  const lines = raw.replace(/\n$/, '').split('\n')
  return lines.length === 1 || !closesFence(lines.at(-1)!, opening.exec(raw)![1]!)
}

/** Does this line end a block that began with `mark`? Behind its own mark only spaces stand. */
function closesFence(line: string, mark: string): boolean {
  const found = /^ {0,3}(`{3,}|~{3,}) *$/.exec(line)
  return found !== null && found[1]![0] === mark[0] && found[1]!.length >= mark.length
}

/** A fenced block that grows: each append costs what is new. */
export class FenceReader {
  readonly #indent: number
  readonly #mark: string
  readonly #language: string
  readonly #pieces = new TextPieces()
  readonly #nodes: TextNode[] = []
  #lines = 0
  /** The last line is in the pieces already. */
  #isInLine = false
  /** The beginning of a line that may still become the closing mark. */
  #partial = ''
  #closed = false

  /** `firstLine`: the one with the mark, without its line break. */
  constructor(firstLine: string) {
    const [whole, mark, info] = opening.exec(firstLine) as unknown as [string, string, string]
    this.#indent = whole.length - whole.trimStart().length
    this.#mark = mark
    this.#language = decodeEntities(/^\S*/.exec(info.trim())![0]).toLowerCase()
  }

  /** Its end has come, with a line break behind it. */
  get isOver(): boolean {
    return this.#closed
  }

  /** Text behind the first line. Returns what stands behind the block, if it is over. */
  push(text: string): string {
    for (let rest = text; rest !== '';) {
      const lineBreak = rest.indexOf('\n')
      const part = lineBreak === -1 ? rest : rest.slice(0, lineBreak)
      if (this.#isInLine) this.#pieces.append(part)
      else {
        this.#partial += part
        if (lineBreak !== -1 && closesFence(this.#partial, this.#mark)) {
          this.#closed = true
          this.#partial = ''
          return rest.slice(lineBreak + 1)
        }
        if (lineBreak !== -1 || !this.#mayClose(this.#partial)) {
          this.#pieces.append(this.#lineOf(this.#partial))
          this.#partial = ''
          this.#isInLine = true
        }
      }
      if (lineBreak === -1) break
      this.#isInLine = false
      this.#lines += 1
      rest = rest.slice(lineBreak + 1)
    }
    return ''
  }

  /** `isGrowing`: what may become the closing mark is not shown. */
  node(key: string, isGrowing: boolean): CodeNode {
    const { finished } = this.#pieces
    for (let i = this.#nodes.length; i < finished.length; i++) this.#nodes.push(textNode(i, finished[i]!.text))
    const closed = this.#closed || closesFence(this.#partial, this.#mark)
    const isShown = !closed && !isGrowing && this.#partial !== ''
    const open = this.#pieces.open.text + (isShown ? this.#lineOf(this.#partial) : '')
    const children = open === '' ? [...this.#nodes] : [...this.#nodes, textNode(finished.length, open)]
    return { type: 'code', key, language: this.#language, closed, children }
  }

  #lineOf(line: string): string {
    let cut = 0
    while (cut < this.#indent && line[cut] === ' ') cut += 1
    return (this.#lines === 0 ? '' : '\n') + line.slice(cut)
  }

  #mayClose(line: string): boolean {
    return (this.#mark[0] === '`' ? /^ {0,3}`* *$/ : /^ {0,3}~* *$/).test(line)
  }
}

/** The same of a whole block. */
export function fencedCode(raw: string, key: string, isGrowing: boolean): CodeNode {
  const lineBreak = raw.indexOf('\n')
  const reader = new FenceReader(lineBreak === -1 ? raw : raw.slice(0, lineBreak))
  if (lineBreak !== -1) reader.push(raw.slice(lineBreak + 1))
  return reader.node(key, isGrowing)
}

/** Code without a fence. */
export function plainCode(text: string, key: string): CodeNode {
  const pieces = new TextPieces(text)
  const children = [...pieces.finished, pieces.open]
    .filter((piece) => piece.text !== '')
    .map((piece, i) => textNode(i, piece.text))
  return { type: 'code', key, language: '', closed: true, children }
}

function textNode(index: number, text: string): TextNode {
  return { type: 'text', key: String(index), text }
}
