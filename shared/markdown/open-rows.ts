import type { Blocks, Token, Tokens } from './grammar.ts'

/** The finished part of a list or a table that a text ends in: it is not read again. */
export interface OpenRows {
  /** How much of the text it is, and what its rest is read behind. */
  readonly length: number
  readonly head: string
  /** Null for a table. */
  readonly list: Pick<Tokens.List, 'ordered' | 'start' | 'loose'> | null
  readonly items: readonly Tokens.ListItem[]
  readonly rows: readonly Tokens.TableCell[][]
}

/** With fewer than these it is no gain. */
const least = 4

/** What is finished of the one block that `text` is, beyond what was; null where there is too little. */
export function finishedRows({ tokens: [token] }: Blocks, text: string, before: OpenRows | null): OpenRows | null {
  if (token?.type === 'list') return finishedItems(token as Tokens.List, text, before)
  return token?.type === 'table' ? finishedLines(token as Tokens.Table, text, before) : null
}

function finishedItems(list: Tokens.List, text: string, before: OpenRows | null): OpenRows | null {
  const fresh = list.items.slice(before?.items.length ?? 0)
  const starts = [before?.length ?? 0]
  for (const { raw } of fresh) starts.push(starts.at(-1)! + raw.length)
  // The whole line that begins an item tells that the one before it is over.
  let kept = fresh.length - 1
  while (kept > 0 && !text.includes('\n', starts[kept])) kept -= 1
  // Notes have numbers by who asks first: what names one is read each time.
  if (kept < least || fresh.slice(0, kept).some(({ raw }) => raw.includes('[^'))) return before
  const { ordered, start, loose } = list
  const items = [...(before?.items ?? []), ...fresh.slice(0, kept)]
  return { length: starts[kept]!, head: '', list: { ordered, start, loose }, items, rows: [] }
}

function finishedLines(table: Tokens.Table, text: string, before: OpenRows | null): OpenRows | null {
  const old = before?.rows.length ?? 0
  const rows = table.rows.slice(old, -2)
  if (rows.length < least) return before
  let at = before?.length ?? 0
  let { head } = before ?? { head: '' }
  for (let lines = before ? 0 : -2; lines < rows.length; lines++) {
    at = text.indexOf('\n', at) + 1
    if (!before && lines === -1) head = text.slice(0, at)
  }
  const isNoted = text.slice(before?.length ?? 0, at).includes('[^')
  return at === 0 || isNoted
    ? before
    : { length: at, head, list: null, items: [], rows: [...(before?.rows ?? []), ...rows] }
}

/** What was read behind `open`, as if all had been; null where it does not go on with the same block. */
export function joined(open: OpenRows, blocks: Blocks): Blocks | null {
  const [first, ...others] = blocks.tokens
  const token = first && (open.list ? joinedList(open, open.list, first) : joinedTable(open, first))
  return token ? { ...blocks, tokens: [token, ...others] } : null
}

// Of the part that was not read only the length is known.
const unread = (length: number) => ' '.repeat(length)

function joinedList(
  open: OpenRows,
  { ordered, start, loose }: NonNullable<OpenRows['list']>,
  token: Token,
): Token | null {
  const list = token as Tokens.List
  // Items stand apart all or none: where the first does so, those before it do, too.
  if (token.type !== 'list' || list.ordered !== ordered || (list.loose && !loose)) return null
  const items = loose && !list.loose ? list.items.map(apart) : list.items
  return { ...list, raw: unread(open.length) + list.raw, ordered, start, loose, items: [...open.items, ...items] }
}

function apart(item: Tokens.ListItem): Tokens.ListItem {
  const tokens = item.tokens.map((token) =>
    token.type === 'text' ? ({ ...token, type: 'paragraph' } as Token) : token,
  )
  return { ...item, loose: true, tokens }
}

function joinedTable(open: OpenRows, token: Token): Token | null {
  if (token.type !== 'table') return null
  const table = token as Tokens.Table
  return { ...table, raw: unread(open.length - open.head.length) + table.raw, rows: [...open.rows, ...table.rows] }
}
