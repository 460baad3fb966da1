import type { Block, TextChange, ToolCallStatus } from '../client/index.ts'
import { element, link, setText } from './dom.ts'
import { GrowingText } from './growing-text.ts'

/** What a message shows for one block. The growing texts come by `textChanged`, all else by `update`. */
export interface BlockView {
  readonly element: HTMLElement
  update: (block: Block) => void
  textChanged: (change: TextChange) => void
}

export function createBlockView(block: Block): BlockView {
  const root = element('div', { class: `block ${block.type}`, 'data-testid': 'block', 'data-type': block.type })
  const texts = new Map<string, GrowingText>()
  const parts = { root, texts }
  const render = renderers[block.type] as ((parts: Parts, block: Block) => (block: Block) => void) | undefined
  const update = render?.(parts, block) ?? (() => {})
  const view: BlockView = {
    element: root,
    update: next => {
      root.dataset.status = next.status
      update(next)
    },
    textChanged: ({ field, from, text }) => texts.get(field)?.replaceFrom(from, text),
  }
  view.update(block)
  return view
}

interface Parts {
  root: HTMLElement
  texts: Map<string, GrowingText>
}

/** Builds the elements of a block; the answer brings them up to date. */
type Renderer<B extends Block> = (parts: Parts, block: B) => (block: B) => void

function growing({ texts }: Parts, field: string, text: string): HTMLElement {
  const node = new GrowingText(text)
  texts.set(field, node)
  return node.element
}

const renderers: { [Type in Block['type']]: Renderer<Extract<Block, { type: Type }>> } = {
  text: (parts, { text }) => {
    const sources = element('ul', { class: 'annotations' })
    parts.root.append(growing(parts, 'text', text), sources)
    let shown: unknown = null
    return ({ annotations }) => {
      if (annotations === shown) return
      shown = annotations
      sources.replaceChildren(...annotations.filter(({ url }) => typeof url === 'string').map(({ url, title }) =>
        element('li', {}, link(url as string, typeof title === 'string' ? title : url as string))))
    }
  },

  reasoning: (parts, { text }) => {
    const summary = element('summary')
    const details = element('details', {}, summary, growing(parts, 'text', text))
    parts.root.append(details)
    return ({ status, startedAt, endedAt }) => {
      const seconds = endedAt === undefined ? 0 : Math.round((endedAt - startedAt) / 1000)
      setText(summary, status === 'in_progress' ? 'Thinking …' : seconds > 0 ? `Thought for ${seconds} s` : 'Thoughts')
    }
  },

  tool_call: (parts, block) => {
    const name = element('span', { class: 'tool-name' })
    const status = element('span', { class: 'tool-status' })
    const progress = element('p')
    const error = element('p', { class: 'fault' })
    const results = element('div')
    parts.root.append(element('details', {}, element('summary', {}, name, ' ', status),
      growing(parts, 'arguments', block.arguments), progress, results, error))
    return call => {
      setText(name, call.name)
      setText(status, toolStatuses[call.status] ?? call.status)
      setText(progress, call.progress ?? '')
      setText(error, call.error ?? '')
      if (call.output !== undefined && !parts.texts.has('output')) {
        results.append(element('p', { class: 'label' }, 'Result'), growing(parts, 'output', call.output))
      }
    }
  },

  refusal: (parts, { text }) => {
    parts.root.append(growing(parts, 'text', text))
    return () => {}
  },

  progress: ({ root }) => ({ text, done }) => {
    setText(root, text)
    root.classList.toggle('done', done)
  },

  error: ({ root }) => {
    root.setAttribute('role', 'alert')
    root.classList.add('fault')
    return ({ message }) => setText(root, message)
  },

  source: ({ root }) => ({ url, title, snippet }) => {
    root.replaceChildren(url === undefined ? title : link(url, title), element('p', {}, snippet ?? ''))
  },

  file: ({ root }) => ({ url, name, mimeType, size }) => {
    root.replaceChildren(link(url, name), ` ${mimeType}${size === undefined ? '' : `, ${Math.ceil(size / 1024)} kB`}`)
  },

  embed: ({ root }) => ({ url }) => root.replaceChildren(link(url, url)),
}

const toolStatuses: Partial<Record<ToolCallStatus, string>> = {
  streaming: 'is being called …',
  pending: 'was called',
  awaiting_approval: 'waits for approval',
  running: 'runs …',
  completed: 'done',
}
