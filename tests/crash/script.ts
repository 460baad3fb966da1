/** What the fast provider of the crash tests says: the same for the same question, no two places alike. */
import type { Message } from '../../shared/schema.ts'

const reasoningTokens = 40
const argumentTokens = 40

/** Tokens are numbered: text that is lost or doubled is seen, wherever it happens. Some hold emoji. */
export function token(question: string, index: number): string {
  return `${question}.${index}${index % 17 === 0 ? '😀' : ''} `
}

export function blockOf(index: number): 'reasoning' | 'tool_call' | 'text' {
  if (index < reasoningTokens) return 'reasoning'
  return index < reasoningTokens + argumentTokens ? 'tool_call' : 'text'
}

/** All that a message holds of the script, in order. */
export function transcript(message: Message): string {
  return message.output
    .map((block) => {
      if (block.type === 'tool_call') return block.arguments
      return block.type === 'text' || block.type === 'reasoning' ? block.text : ''
    })
    .join('')
}

/** The first `length` UTF-16 units of the script. */
export function expected(question: string, length: number): string {
  let text = ''
  for (let index = 0; text.length < length; index++) text += token(question, index)
  return text.slice(0, length)
}
