import type { MathNode } from '@runnel/client/markdown'
import { useEffect, useState } from 'react'
import type { formula } from './katex.ts'
import './math.css'

type Draw = typeof formula

let draw: Draw | null = null

/** A formula. Its source is shown until it is complete and KaTeX is loaded, and if it cannot be drawn. */
export function Math({ node: { text, display, closed } }: { node: MathNode }) {
  const [drawer, setDrawer] = useState<Draw | null>(() => draw)
  const isWanted = closed && drawer === null
  useEffect(() => {
    if (!isWanted) return
    import('./katex.ts').then(
      (module) => {
        draw = module.formula
        setDrawer(() => module.formula)
      },
      () => {},
    )
  }, [isWanted])
  const Tag = display ? 'div' : 'span'
  const isDrawn = closed && drawer !== null
  return (
    <Tag
      // React does not manage the drawn nodes.
      key={isDrawn ? `drawn ${text}` : 'source'}
      className={`markdown-math${display ? ' display' : ''}`}
      tabIndex={display ? 0 : undefined}
      data-math={text}
      ref={isDrawn ? (element) => element?.replaceChildren(drawer(text, display) ?? text) : undefined}
    >
      {isDrawn ? null : text}
    </Tag>
  )
}
