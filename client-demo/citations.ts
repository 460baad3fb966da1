import type { JsonObject } from '../client/index.ts'
import { element, link } from './dom.ts'

/** What a text cites, each source once, in the order of the text. */
export function createCitations(): { element: HTMLElement; update: (annotations: readonly JsonObject[]) => void } {
  const list = element('ol', { class: 'citations', 'aria-label': 'Sources', 'data-testid': 'citations' })
  const listed = new Set<string>()
  let shown: readonly JsonObject[] = []
  return {
    element: list,
    update: (annotations) => {
      if (annotations === shown) return
      // Annotations only grow, unless the document was replaced.
      const grew = shown.every((annotation, index) => annotation === annotations[index])
      if (!grew) {
        list.replaceChildren()
        listed.clear()
      }
      for (const annotation of annotations.slice(grew ? shown.length : 0)) {
        const { key, title, url } = citedBy(annotation)
        if (key === undefined || listed.has(key)) continue
        listed.add(key)
        list.append(element('li', {}, url === undefined ? (title ?? key) : link(url, title ?? url)))
      }
      shown = annotations
    },
  }
}

/** A web page or a file: the shapes of the OpenAI Responses API. */
function citedBy(annotation: JsonObject): {
  key?: string | undefined
  title?: string | undefined
  url?: string | undefined
} {
  const text = (field: string) =>
    typeof annotation[field] === 'string' && annotation[field] !== '' ? annotation[field] : undefined
  const url = text('url')
  return url === undefined ? { key: text('filename') ?? text('file_id') } : { key: url, url, title: text('title') }
}
