/** A page in this process for React, and a way to look at what hooks give. Import it before React DOM. */
import { Window } from 'happy-dom'
import { createElement, type ReactElement, type ReactNode } from 'react'
import { afterAll, afterEach } from 'vitest'

const window = new Window({ url: 'http://page.example/' })
Object.assign(globalThis, { window, document: window.document })

const { createRoot, hydrateRoot } = await import('react-dom/client')

const mounted = new Set<Mounted>()
afterEach(() => {
  for (const page of mounted) page.unmount()
})
afterAll(() => window.happyDOM.close())

export interface Mounted {
  readonly element: HTMLElement
  render: (node: ReactNode) => void
  unmount: () => void
}

/** Shows this as a browser would: nothing is awaited or flushed by hand. */
export function mount(node: ReactNode): Mounted {
  const element = document.createElement('div')
  document.body.append(element)
  const root = createRoot(element)
  root.render(node)
  return track(
    element,
    (next) => root.render(next),
    () => root.unmount(),
  )
}

/** Takes over what a server has rendered. `problems`: what React says about it. */
export function hydrate(html: string, node: ReactNode, problems: string[]): Mounted {
  const element = document.createElement('div')
  element.innerHTML = html
  document.body.append(element)
  const root = hydrateRoot(element, node, { onRecoverableError: (error) => problems.push(String(error)) })
  return track(
    element,
    (next) => root.render(next),
    () => root.unmount(),
  )
}

function track(element: HTMLElement, render: (node: ReactNode) => void, unmount: () => void): Mounted {
  const page: Mounted = {
    element,
    render,
    unmount: () => {
      if (!mounted.delete(page)) return
      unmount()
      element.remove()
    },
  }
  mounted.add(page)
  return page
}

/** A hook's results as a test sees them. */
export function watch<Result>(hook: () => Result): { element: ReactElement; readonly now: Result; renders: Result[] } {
  const renders: Result[] = []
  const Watcher = () => {
    renders.push(hook())
    return null
  }
  return {
    element: createElement(Watcher),
    get now() {
      return renders.at(-1)!
    },
    renders,
  }
}

/** Waits until `check` throws no more. */
export async function eventually<T>(check: () => T | Promise<T>, ms = 8_000): Promise<T> {
  const deadline = performance.now() + ms
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (performance.now() > deadline) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
