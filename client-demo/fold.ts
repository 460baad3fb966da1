import { element } from './dom.ts'

export interface Fold {
  readonly element: HTMLDetailsElement
  readonly summary: HTMLElement
  setOpen: (open: boolean) => void
}

/** Opens and closes as it is told, until its reader has done either. */
export function createFold(title: string, ...content: Node[]): Fold {
  const summary = element('summary', {}, title)
  const details = element('details', {}, summary, ...content)
  let isReaders = false
  // The keyboard clicks as well.
  summary.addEventListener('click', () => {
    isReaders = true
  })
  return {
    element: details,
    summary,
    setOpen: (open) => {
      if (!isReaders && details.open !== open) details.open = open
    },
  }
}
