import { isOpenFence } from './fence.ts'
import type { Blocks, Token, Tokens } from './grammar.ts'

/** How much of a text is finished: what comes behind its last line changes none of it. */
export function finishedLength({ tokens, beyond }: Blocks, text: string): number {
  const lengths = tokens.map(({ raw }) => raw.length)
  let start = lengths.reduce((sum, length) => sum + length, 0)
  // What was read does not tell where it stands.
  if (start !== text.length) return 0
  const lastLine = text.lastIndexOf('\n') + 1
  let end = 0
  // The first block of which more text may tell that it is another thing.
  const untold = lengths.findIndex((length, i) => (end += length) + beyond[i]! > lastLine && beyond[i]! > 0)
  for (let i = tokens.length - 1; i > 0; i--) {
    start -= lengths[i]!
    if (untold !== -1 && i > untold) continue
    const token = tokens[i]!
    const isApart = /^(?:space|def)$/.test(tokens[i - 1]!.type) || interrupts(token, text, start)
    // Whether a line goes on with what is before it is known once it is whole.
    if (token.type !== 'space' && isApart && text.includes('\n', start)) return start
  }
  return 0
}

/**
 * For each block, how much of the text told what it is and that it is over. A later text changes nothing of it, another
 * one up to there may.
 */
export function toldLengths(tokens: readonly Token[], beyond: readonly number[], text: string): number[] {
  const told: number[] = []
  let start = text.length
  // Two lines tell whether what stands before them is over: a table begins with its second one.
  let behind = start
  for (let i = tokens.length - 1; i >= 0; i--) {
    const token = tokens[i]!
    told[i] = Math.max(start + beyond[i]!, behind)
    start -= token.raw.length
    if (token.type !== 'space') behind = lineEnd(text, lineEnd(text, start))
  }
  return told
}

function lineEnd(text: string, from: number): number {
  const lineBreak = text.indexOf('\n', from)
  return lineBreak === -1 ? text.length : lineBreak + 1
}

/** Does it end what is before it, without a blank line between? */
function interrupts(token: Token, text: string, start: number): boolean {
  switch (token.type) {
    case 'code':
      return isFenced(token)
    case 'heading':
      return /^ {0,3}#/.test(token.raw)
    case 'list':
      return true
    case 'table':
      return text.includes('\n', text.indexOf('\n', start) + 1)
    default:
      return false
  }
}

export const isFenced = (token: Token) => token.type === 'code' && (token as Tokens.Code).codeBlockStyle !== 'indented'

/** Does what comes next belong into it, whatever it looks like? */
export function isRaw(token: Token | undefined): boolean {
  switch (token?.type) {
    case 'code':
      return isFenced(token) && isOpenFence(token.raw)
    case 'html':
    case 'math':
      return true
    case 'list':
      return isRaw((token as Tokens.List).items.at(-1)?.tokens.at(-1))
    case 'blockquote':
      return isRaw((token as Tokens.Blockquote).tokens.at(-1))
    default:
      return false
  }
}
