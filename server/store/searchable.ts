import type { Message } from '../../shared/schema.ts'

/** What a search finds of a message: what a person reads as its answer, without reasoning and tools. */
export function searchableText({ output }: Message): string {
  return output
    .flatMap((block) => {
      if (block.type === 'text' || block.type === 'refusal') return [block.text]
      if (block.type === 'source') return [block.title, block.snippet ?? '']
      if (block.type === 'file') return [block.name]
      return []
    })
    .join('\n')
}
