/** What the same growth would have cost with other protocols. */

/** The rest of a message that is sent as a whole: ids, roles, times. */
const envelopeBytes = 320

export const wholeBytes = (textLength: number): number => textLength + envelopeBytes

/** One event of Chat Completions, which most pages use. */
export function deltaBytes(content: string): number {
  const event = {
    id: 'chatcmpl-0123456789abcdef01234567',
    object: 'chat.completion.chunk',
    created: 1_700_000_000,
    model: 'model',
    choices: [{ index: 0, delta: { content }, finish_reason: null }],
  }
  return `data: ${JSON.stringify(event)}\n\n`.length
}
