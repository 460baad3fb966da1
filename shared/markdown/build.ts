import { append, Assembly, element, elementNode, rekeyed, textItems, type Item } from './assemble.ts'
import { fencedCode, isFence, plainCode } from './fence.ts'
import type { FootnoteDef } from './defines.ts'
import { readBlocks, type MathToken, type Token, type Tokens } from './grammar.ts'
import { Memory, type Definitions, type Remembered } from './memory.ts'
import type { MarkdownNode } from './nodes.ts'
import type { OpenRows } from './open-rows.ts'
import { tableOf, withoutHalfTag } from './repair.ts'
import { Spans, type MarkdownOptions } from './spans.ts'

export interface Place {
  key: string
  inline: ReadonlyMap<unknown, string>
  /** Does the text end in it, so that its end is to be repaired? */
  isOpen: boolean
}

/** Makes nodes of tokens. What it made of the same text before, and is not open, it makes no second time. */
export class Builder {
  isGrowing = false
  /** The text ends with a line break: what stands in one line is over. */
  endsLine = false
  readonly #memory: Memory
  readonly #spans: Spans

  constructor(options: MarkdownOptions, definitions: Definitions) {
    this.#memory = new Memory(definitions)
    this.#spans = new Spans(options, this.#memory)
  }

  /** What was built since the last call is remembered, what was not is forgotten. */
  turn(): void {
    this.#memory.turn()
  }

  /** What was made of these is found by its text again. */
  recall({ items, rows, list }: OpenRows): void {
    items.forEach((item, index) => this.#memory.recall(item, itemName(index, list!.loose, item)))
    rows.forEach((row, index) => this.#memory.recall(row, rowName(index, row)))
  }

  forget(): void {
    this.#memory.forget()
  }

  /** One block, with what it asked of definitions. */
  top(token: Token, place: Place): Remembered {
    return this.#memory.recorded(() => this.#block(token, place))
  }

  /** One that is built no second time. */
  last(token: Token, place: Place): Remembered {
    return this.#memory.last(() => this.top(token, place))
  }

  #block(token: Token, place: Place): Item[] {
    return this.#memory.remember(
      () => blockName(place.key, token),
      place.isOpen,
      () => this.#newBlock(token, place),
    )
  }

  #newBlock(token: Token, place: Place): Item[] {
    const { key, isOpen } = place
    const inline = (of: Token) => this.#inline(of, place)
    const isCut = isOpen && !this.endsLine
    switch (token.type) {
      case 'heading':
        return element(`h${(token as Tokens.Heading).depth}`, key, this.#inline(token, { ...place, isOpen: isCut }))
      case 'paragraph':
        return this.#asTable(token, place) ?? element('p', key, inline(token))
      case 'text':
        return (token as Tokens.Text).tokens ? element('p', key, inline(token)) : textItems((token as Tokens.Text).text)
      case 'code':
        return [{ node: this.#code(token as Tokens.Code, key, isOpen) }]
      case 'blockquote':
        return element('blockquote', key, this.#blocks((token as Tokens.Blockquote).tokens, place))
      case 'list':
        return [{ node: this.#list(token as Tokens.List, place) }]
      case 'table':
        return [{ node: this.#table(token as Tokens.Table, { ...place, isOpen: isCut }) }]
      case 'hr':
        return element('hr', key, [])
      case 'html':
        return this.#spans.html(isOpen && this.isGrowing ? withoutHalfTag(token.raw) : token.raw, key)
      case 'math': {
        const { text, display, closed } = token as unknown as MathToken
        return [{ node: { type: 'math', key, display, closed, text } }]
      }
      default:
        return []
    }
  }

  /** Blocks inside of one. */
  #blocks(tokens: readonly Token[], place: Place): MarkdownNode[] {
    const items = tokens.flatMap((token, index) =>
      this.#block(token, { ...place, key: String(index), isOpen: place.isOpen && index === tokens.length - 1 }),
    )
    return new Assembly().add(items).end()
  }

  #code(token: Tokens.Code, key: string, isOpen: boolean): MarkdownNode {
    return isFence(token.raw) && token.codeBlockStyle !== 'indented'
      ? fencedCode(token.raw, key, isOpen && this.isGrowing)
      : plainCode(token.text.replace(/\n$/, ''), key)
  }

  #list(list: Tokens.List, place: Place): MarkdownNode {
    const tag = list.ordered ? 'ol' : 'ul'
    const start: Record<string, string> =
      list.ordered && list.start !== '' && list.start !== 1 ? { start: String(list.start) } : {}
    const items = list.items.flatMap((item, index) => {
      const isOpen = place.isOpen && index === list.items.length - 1
      const key = String(index)
      return this.#memory.rememberOf(
        item,
        () => itemName(index, list.loose, item),
        isOpen,
        () => element('li', key, this.#item(item, { ...place, key, isOpen })),
      )
    })
    return elementNode(tag, place.key, new Assembly().add(items).end(), start)
  }

  #item(item: Tokens.ListItem, place: Place): MarkdownNode[] {
    const items: Item[] = []
    if (item.task) items.push(...textItems(item.checked ? '☑ ' : '☐ '))
    item.tokens.forEach((token, index) => {
      const isOpen = place.isOpen && index === item.tokens.length - 1
      const key = String(items.length)
      if (token.type === 'checkbox') return
      // In a list whose items stand close, a text is no paragraph.
      if (token.type === 'text') for (const node of this.#inline(token, { ...place, isOpen })) append(items, { node })
      else items.push(...this.#block(token, { ...place, key, isOpen }))
    })
    return new Assembly().add(rekeyed(items)).end()
  }

  #table(table: Tokens.Table, place: Place): MarkdownNode {
    const head = this.#row(table.header, 'th', { ...place, key: '0', isOpen: place.isOpen && table.rows.length === 0 })
    const rows = table.rows.flatMap((row, index) => {
      const isOpen = place.isOpen && index === table.rows.length - 1
      const key = String(index)
      return this.#memory.rememberOf(
        row,
        () => rowName(index, row),
        isOpen,
        () => [{ node: this.#row(row, 'td', { ...place, key, isOpen }) }],
      )
    })
    const body = new Assembly().add(rows).end()
    return elementNode('table', place.key, [
      elementNode('thead', '0', [head]),
      ...(body.length > 0 ? [elementNode('tbody', '1', body)] : []),
    ])
  }

  #row(cells: readonly Tokens.TableCell[], tag: 'td' | 'th', place: Place): MarkdownNode {
    const last = cells.findLastIndex(({ text }) => text !== '')
    const children = cells.map((cell, index) =>
      elementNode(
        tag,
        String(index),
        this.#inline(cell as unknown as Token, { ...place, isOpen: place.isOpen && index === last }),
        cell.align ? { align: cell.align } : {},
      ),
    )
    return elementNode('tr', place.key, children)
  }

  /** The first line of a table, before its delimiters have come. */
  #asTable(token: Token, place: Place): Item[] | null {
    if (!place.isOpen || !this.isGrowing) return null
    const text = tableOf(place.inline.get((token as Tokens.Paragraph).tokens) ?? '')
    if (text === null) return null
    const { tokens, inline } = readBlocks(text, true)
    return tokens[0]?.type === 'table'
      ? [{ node: this.#table(tokens[0] as Tokens.Table, { ...place, inline, isOpen: !this.endsLine }) }]
      : null
  }

  /** The inline text of a token. */
  #inline(token: Token, place: Place): MarkdownNode[] {
    const own = (token as Tokens.Paragraph).tokens
    const text = (own === undefined ? undefined : place.inline.get(own)) ?? (token as Tokens.Paragraph).text
    return this.#spans.inline(text, place.isOpen && this.isGrowing)
  }

  /** The text of a footnote; what it defines itself is left out. */
  note(def: FootnoteDef, key: string): Remembered {
    return this.#memory.recorded(() =>
      this.#memory.remember(
        () => `note ${key} ${def.text}`,
        false,
        () => {
          const { tokens, inline } = readBlocks(def.text, false)
          return element('li', key, this.#blocks(tokens, { key, inline, isOpen: false }))
        },
      ),
    )
  }
}

/** What stands behind a paragraph may tell how its lines are indented: what is written is not all that it is made of. */
const blockName = (key: string, token: Token) =>
  `block ${key} ${token.type} ${token.raw}${token.type === 'paragraph' ? ` ${(token as Tokens.Paragraph).text}` : ''}`

const itemName = (index: number, loose: boolean, { raw }: Tokens.ListItem) => `item ${index} ${loose} ${raw}`

const rowName = (index: number, row: readonly Tokens.TableCell[]) =>
  `row ${index} ${row.map(({ align, text }) => `${align} ${text}`).join('\n')}`
