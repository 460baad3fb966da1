/**
 * What a browser takes as it is written. It reads `<p><ul>` as a paragraph and a list behind it; what a server has rendered
 * would then be another tree than the one that React takes over. So what does not fit becomes a `div` or a `span`.
 */
import { noAttrs, type ElementNode, type MarkdownNode } from '../../../shared/markdown/nodes.ts'

/** Where a node stands, as far as it matters for what it may be. */
export interface Place {
  readonly inLink?: boolean
  readonly inHeading?: boolean
  /** In a `li`, `dt` or `dd` whose list is further out. */
  readonly inItem?: boolean
  /** In a table, behind this element. */
  readonly inTable?: string
}

const headings = new Set(['h1', 'h2', 'h3', 'h4', 'h5', 'h6'])
const items = new Set(['li', 'dt', 'dd'])
const lists = new Set(['ul', 'ol', 'dl'])
const blocks = new Set([...headings, ...items, ...lists, ...'blockquote details hr p pre summary table'.split(' ')])
const sections = new Set(['thead', 'tbody', 'tfoot'])
const cells = new Set(['td', 'th'])
const tableParts = new Set([...sections, ...cells, 'caption', 'tr'])

/** The name of the element at its place. */
export function fittingTag({ tag, children }: ElementNode, place: Place): string {
  if (tableParts.has(tag)) return fitsTable(tag, place.inTable) ? tag : 'div'
  if (tag === 'a' && place.inLink) return 'span'
  if (headings.has(tag) && place.inHeading) return 'div'
  if (items.has(tag) && place.inItem) return 'div'
  if (tag === 'p' && children.some(isBlock)) return 'div'
  return tag
}

function fitsTable(tag: string, parent = ''): boolean {
  if (cells.has(tag)) return parent === 'tr'
  if (tag === 'tr') return sections.has(parent)
  return parent === 'table'
}

export function placeIn(tag: string, place: Place): Place {
  if (tag === 'table' || tag === 'tr' || sections.has(tag)) return { ...place, inTable: tag }
  if (cells.has(tag) || tag === 'caption') return { inLink: place.inLink === true }
  if (tag === 'a') return { ...place, inLink: true, inTable: '' }
  if (headings.has(tag)) return { ...place, inHeading: true, inTable: '' }
  if (items.has(tag)) return { ...place, inItem: true, inTable: '' }
  return lists.has(tag) ? { ...place, inItem: false, inTable: '' } : place.inTable ? { ...place, inTable: '' } : place
}

/** What stands in a table: sections of rows of cells. Rows without a section get one; anything else makes divs of all of it. */
export function tableChildren(node: ElementNode): readonly MarkdownNode[] | null {
  const parts: ElementNode[] = []
  for (const child of node.children) {
    if (isSpace(child)) continue
    if (child.type !== 'element') return null
    if (child.tag === 'tr') {
      const last = parts.at(-1)
      const isMade = last?.tag === 'tbody' && last.key.startsWith('rows ')
      if (isMade) parts[parts.length - 1] = { ...last, children: [...last.children, child] }
      else parts.push({ type: 'element', key: `rows ${child.key}`, tag: 'tbody', attrs: noAttrs, children: [child] })
    } else if (sections.has(child.tag)) {
      if (!child.children.every((row) => isSpace(row) || isElement(row, 'tr'))) return null
      parts.push(child)
    } else if (child.tag === 'caption' && parts.length === 0) parts.push(child)
    else return null
  }
  const rows = parts.flatMap(({ tag, children }) => (tag === 'caption' ? [] : children)).filter((row) => !isSpace(row))
  const areRows = rows.every((row) =>
    (row as ElementNode).children.every((cell) => isSpace(cell) || (cell.type === 'element' && cells.has(cell.tag))),
  )
  return areRows ? parts : null
}

export const isSpace = (node: MarkdownNode) => node.type === 'text' && node.text.trim() === ''

const isElement = (node: MarkdownNode, tag: string) => node.type === 'element' && node.tag === tag

function isBlock(node: MarkdownNode): boolean {
  if (node.type === 'element') return blocks.has(node.tag) || tableParts.has(node.tag) || node.children.some(isBlock)
  return node.type === 'code' || (node.type === 'math' && node.display)
}
