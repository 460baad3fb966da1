import type { BranchMessage } from '../client/index.ts'
import type { ChatContext } from './context.ts'
import { element, setText } from './dom.ts'

export interface Switcher {
  readonly element: HTMLElement
  update: (entry: BranchMessage) => void
  focus: (direction: 'previous' | 'next') => void
}

/** ‹ 2/3 ›: which of the messages that answer the same one is shown. Nothing where there is but one. */
export function createSwitcher({ switchTo }: ChatContext): Switcher {
  const previous = element(
    'button',
    { type: 'button', 'data-testid': 'previous-sibling', 'aria-label': 'Previous version' },
    '‹',
  )
  const next = element('button', { type: 'button', 'data-testid': 'next-sibling', 'aria-label': 'Next version' }, '›')
  const position = element('span', { 'data-testid': 'sibling-position' })
  const root = element(
    'span',
    { class: 'switcher', role: 'group', 'aria-label': 'Versions of this message', hidden: '' },
    previous,
    position,
    next,
  )
  let entry: BranchMessage | null = null
  const step = (by: -1 | 1) => {
    const id = entry?.siblings[entry.index + by]
    if (id !== undefined) switchTo(id, by === -1 ? 'previous' : 'next')
  }
  previous.addEventListener('click', () => step(-1))
  next.addEventListener('click', () => step(1))
  return {
    element: root,
    update: (now) => {
      entry = now
      const { index, siblings } = now
      root.hidden = siblings.length < 2
      previous.disabled = index === 0
      next.disabled = index === siblings.length - 1
      setText(position, `${index + 1}/${siblings.length}`)
      position.setAttribute('aria-label', `Version ${index + 1} of ${siblings.length}`)
    },
    focus: (direction) => {
      const [wanted, other] = direction === 'previous' ? [previous, next] : [next, previous]
      const target = wanted.disabled ? other : wanted
      target.focus()
    },
  }
}
