/** A filter that searches before the model is asked, shows what it found, and makes citations of what the answer names. */
// In a project of yours: from '@runnel/core/server'.
import { defineFilter, type Filter, type FilterContext } from '../../server/index.ts'
import type { Hit } from './search.ts'

export function answersFromFolder(search: (question: string) => Hit[], urlOf: (file: string) => string): Filter {
  /** What was found for runs that are under way. */
  const found = new Map<string, Hit[]>()

  function cite(blockId: string, start: number, end: number, { file, heading }: Hit, context: FilterContext): void {
    context.annotate(blockId, {
      type: 'url_citation',
      start_index: start,
      end_index: end,
      url: urlOf(file),
      title: heading || file,
    })
  }

  return defineFilter({
    name: 'folder',
    inlet(request, context) {
      const question = request.prompt.findLast(({ role }) => role === 'user')?.text ?? ''
      context.progress('Searching the folder')
      const hits = search(question)
      if (hits.length === 0) return request
      found.set(context.taskId, hits)
      // However the run ends: an answer that was stopped reaches no outlet.
      context.signal.addEventListener('abort', () => found.delete(context.taskId))
      for (const { file, heading, text } of hits)
        context.addSource({
          title: heading || file,
          url: urlOf(file),
          snippet: text.slice(0, 200),
          sourceType: 'document',
        })
      const passages = hits
        .map(({ file, heading, text }, index) => `[${index + 1}] ${file}, ${heading}\n${text}`)
        .join('\n\n')
      const rules = `Answer from these passages and cite them as [1], [2]. Say so if they do not hold the answer.\n\n${passages}`
      return { ...request, prompt: [{ role: 'system', text: rules }, ...request.prompt] }
    },
    outlet(message, context) {
      const hits = found.get(context.taskId) ?? []
      found.delete(context.taskId)
      let cited = false
      for (const block of message.output) {
        if (block.type !== 'text') continue
        for (const { 0: mark, 1: number, index } of block.text.matchAll(/\[(\d)\]/g)) {
          const hit = hits[Number(number) - 1]
          if (hit) cite(block.id, index, index + mark.length, hit, context)
          cited ||= hit !== undefined
        }
      }
      // A model that cites nothing: the reader gets the way to the passages all the same.
      if (cited || hits.length === 0) return
      const last = message.output.findLast(({ type }) => type === 'text')
      let offset = last && 'text' in last ? last.text.length : 0
      for (const [index, hit] of hits.entries()) {
        const text = `${index === 0 ? '\n\nFrom the folder: ' : ', '}[${index + 1}] ${hit.heading}`
        const blockId = context.append(text)
        if (index === 0 && blockId !== last?.id) offset = 0
        cite(blockId, offset + text.indexOf('['), offset + text.length, hit, context)
        offset += text.length
      }
    },
  })
}
