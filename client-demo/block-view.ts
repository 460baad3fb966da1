import type { Block, MessageStatus, TextChange } from '../client/index.ts'
import { growing, growingMarkdown, type BlockContext, type Parts } from './block-parts.ts'
import { createCitations } from './citations.ts'
import { element, link, setText, webUrl } from './dom.ts'
import { createFileView } from './file-view.ts'
import type { Growing } from './growing-text.ts'
import { renderToolCall } from './tool-call-view.ts'

/** What a message shows for one block. The growing texts come by `textChanged`, all else by `update`. */
export interface BlockView {
  readonly element: HTMLElement
  /** `message`: how its message stands. */
  update: (block: Block, message: MessageStatus) => void
  textChanged: (change: TextChange) => void
}

/** Builds the elements of a block; the answer brings them up to date. */
type Renderer<B extends Block> = (parts: Parts, block: B) => (block: B, message: MessageStatus) => void

/** `update` is still to be called. */
export function createBlockView(block: Block, context: BlockContext): BlockView {
  const root = element('div', { class: `block ${block.type}`, 'data-testid': 'block', 'data-type': block.type })
  const texts = new Map<string, Growing>()
  // A block of a newer server has no renderer here, and shows nothing.
  const render = renderers[block.type] as Renderer<Block> | undefined
  const update = render?.({ root, texts, context }, block)
  let isOver = false
  return {
    element: root,
    update: (next, message) => {
      root.dataset.status = next.status
      update?.(next, message)
      isOver = next.status !== 'in_progress' && next.status !== 'streaming'
      if (isOver) for (const text of texts.values()) text.end?.()
    },
    textChanged: ({ field, from, text }) => {
      const changed = texts.get(field)
      changed?.replaceFrom(from, text)
      if (isOver) changed?.end?.()
    },
  }
}

const renderers: { [Type in Block['type']]: Renderer<Extract<Block, { type: Type }>> } = {
  text: (parts, { text }) => {
    const citations = createCitations()
    parts.root.append(growingMarkdown(parts, 'text', text), citations.element)
    return ({ annotations }) => citations.update(annotations)
  },

  reasoning: (parts, { text }) => {
    const summary = element('summary')
    parts.root.append(element('details', {}, summary, growingMarkdown(parts, 'text', text)))
    return ({ status, startedAt, endedAt }) => {
      const seconds = endedAt === undefined ? 0 : Math.round((endedAt - startedAt) / 1000)
      setText(summary, status === 'in_progress' ? 'Thinking …' : seconds > 0 ? `Thought for ${seconds} s` : 'Thoughts')
    }
  },

  tool_call: renderToolCall,

  refusal: (parts, { text }) => {
    parts.root.append(growing(parts, 'text', text))
    return () => {}
  },

  progress: ({ root }) => {
    root.setAttribute('role', 'status')
    return ({ text, done, status }) => {
      setText(root, text)
      // What a run left open when it ended goes on no more.
      root.classList.toggle('done', done || status !== 'in_progress')
    }
  },

  error: ({ root }) => {
    root.setAttribute('role', 'alert')
    root.classList.add('fault')
    return ({ message }) => setText(root, message)
  },

  source: ({ root }) =>
    whenChanged(
      ({ url, title, snippet }) => {
        const host = url === undefined ? undefined : webUrl(url)?.host
        root.replaceChildren(
          url === undefined ? title : link(url, title),
          host === undefined ? '' : ` ${host}`,
          element('p', {}, snippet ?? ''),
        )
      },
      ['url', 'title', 'snippet'],
    ),

  file: ({ root, context }) =>
    whenChanged((file) => root.replaceChildren(createFileView(file, context.api)), ['name', 'mimeType', 'url', 'size']),

  embed: ({ root }) => whenChanged(({ url }) => root.replaceChildren(...embedOf(url), link(url, url)), ['url']),
}

/** Builds anew only what is another now: a frame or a picture would load again. */
function whenChanged<B extends Block>(build: (block: B) => void, fields: readonly (keyof B)[]): (block: B) => void {
  let shown: B | null = null
  return (block) => {
    const last = shown
    shown = block
    if (!last || fields.some((field) => last[field] !== block[field])) build(block)
  }
}

/** Scripts run in the frame, in an origin of its own: it reaches nothing of this page, its storage or its server. */
function embedOf(url: string): HTMLElement[] {
  const parsed = webUrl(url)
  if (!parsed) return []
  return [
    element('iframe', {
      sandbox: 'allow-scripts',
      referrerpolicy: 'no-referrer',
      loading: 'lazy',
      title: `Embedded page of ${parsed.host}`,
      src: parsed.href,
    }),
  ]
}
