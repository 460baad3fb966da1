import { isOpenFence } from './fence.ts'
import type { Blocks, Token, Tokens } from './grammar.ts'

/** How much of a text is finished: what comes behind its last line changes none of it. */
export function finishedLength(tokens: readonly Token[], text: string): number {
  const lengths = tokens.map(({ raw }) => raw.length)
  let start = lengths.reduce((sum, length) => sum + length, 0)
  // What was read does not tell where it stands.
  if (start !== text.length) return 0
  for (let i = tokens.length - 1; i > 0; i--) {
    start -= lengths[i]!
    const token = tokens[i]!
    const isApart = tokens[i - 1]!.type === 'space' || interrupts(token, text, start)
    // Whether a line goes on with what is before it is known once it is whole.
    if (token.type !== 'space' && isApart && text.includes('\n', start)) return start
  }
  return 0
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

export const definesNothing = ({ links, notes }: Blocks) => notes.length === 0 && Object.keys(links).length === 0

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
