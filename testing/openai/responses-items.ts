/** An item of an output while its events come. */
export type OpenItem =
  | { kind: 'text' | 'refusal' | 'reasoning'; index: number; id: string; text: string }
  | { kind: 'call'; index: number; id: string; callId: string; name: string; arguments: string }

/** The item as a document has it; one that has only begun holds nothing yet. */
export function itemOf(item: OpenItem, status: 'in_progress' | 'completed' | 'incomplete'): object {
  const hasBegun = status !== 'in_progress'
  switch (item.kind) {
    case 'reasoning':
      return { id: item.id, type: 'reasoning', summary: hasBegun ? [{ type: 'summary_text', text: item.text }] : [] }
    case 'call': {
      const { id, callId, name, arguments: text } = item
      return { id, type: 'function_call', status, arguments: hasBegun ? text : '', call_id: callId, name }
    }
    default: {
      const part =
        item.kind === 'text'
          ? { type: 'output_text', annotations: [], logprobs: [], text: item.text }
          : { type: 'refusal', refusal: item.text }
      return { id: item.id, type: 'message', status, content: hasBegun ? [part] : [], role: 'assistant' }
    }
  }
}
