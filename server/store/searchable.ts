import { searchedTexts } from '../../shared/known-types.ts'
import type { Message } from '../../shared/schema.ts'

/** What a search finds of a message: what a person reads as its answer, without reasoning and tools. */
export function searchableText({ output }: Message): string {
  return output.flatMap(searchedTexts).join('\n')
}
