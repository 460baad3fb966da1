/** A table of the page as text to copy. */

/** For spreadsheets: one line for each row, tabs between the cells. */
export const tableTsv = (table: HTMLTableElement): string =>
  [...table.rows]
    .map(({ cells }) => [...cells].map((cell) => safeInSheet(textOf(cell).replaceAll(/\s+/g, ' ').trim())).join('\t'))
    .join('\n')

/** A pasted cell must never become a formula. Numbers stay numbers. */
const safeInSheet = (text: string) => (/^[=@]|^[+-](?![\d.,\s%€$]*$)/.test(text) ? `'${text}` : text)

export function tableMarkdown(table: HTMLTableElement): string {
  const rows = [...table.rows].map(({ cells }) => [...cells])
  const lines = rows.map((cells) => `| ${cells.map((cell) => markdownOf(cell).trim()).join(' | ')} |`)
  const marks = (rows[0] ?? []).map(({ align }) => markOf(align))
  return [lines[0], `| ${marks.join(' | ')} |`, ...lines.slice(1)].join('\n')
}

function markOf(align: string): string {
  if (align === 'center') return ':---:'
  if (align === 'right') return '---:'
  return align === 'left' ? ':---' : '---'
}

/** The source of a formula, not its drawing. */
function textOf(node: Node): string {
  const source = sourceOf(node)
  if (source !== null) return source
  if (node.nodeName === 'BR') return ' '
  return node.childNodes.length > 0 ? [...node.childNodes].map(textOf).join('') : (node.nodeValue ?? '')
}

const marks = new Map([
  ['STRONG', '**'],
  ['EM', '*'],
  ['DEL', '~~'],
])

function markdownOf(node: Node): string {
  if (node.nodeType === Node.TEXT_NODE)
    return (node.nodeValue ?? '').replaceAll(/[\\`*_[\]|<]/g, String.raw`\$&`).replaceAll(/\s+/g, ' ')
  const source = sourceOf(node)
  if (source !== null) return `$${source.replaceAll('|', String.raw`\|`)}$`
  const inner = [...node.childNodes].map(markdownOf).join('')
  if (node.nodeName === 'BR') return '<br>'
  if (node.nodeName === 'CODE') return `\`${(node.textContent ?? '').replaceAll('|', String.raw`\|`)}\``
  if (node instanceof HTMLAnchorElement) return `[${inner}](<${node.getAttribute('href') ?? ''}>)`
  const mark = marks.get(node.nodeName) ?? ''
  return `${mark}${inner}${mark}`
}

const sourceOf = (node: Node): string | null => (node instanceof HTMLElement ? (node.dataset['math'] ?? null) : null)
