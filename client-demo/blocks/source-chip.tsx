import type { RefObject } from 'react'
import { useHoverCard } from './hover-card.tsx'
import { apart } from './web-url.ts'
import './sources.css'

export interface ShownSource {
  readonly title: string
  readonly url: URL | null
  readonly snippet: string
  /** Its number, if the text cites it. */
  readonly place?: number
}

/** A source, which opens in a new tab. Hover and focus show its title, address and text. */
export function SourceChip({ source, id }: { source: ShownSource; id?: string }) {
  const { holder, place, card } = useHoverCard()
  const { title, url, place: number } = source
  const label = (
    <>
      {number !== undefined && <span className="source-number">{number}</span>}
      <span className="source-title" dir="auto">
        {title}
      </span>
      {url && url.host !== title && <span className="source-host">{url.host}</span>}
    </>
  )
  const shared = { ...holder, id, className: 'source-chip' }
  return (
    <span className="source-holder" onPointerLeave={holder.onPointerLeave}>
      {url ? (
        <a {...shared} ref={place as RefObject<HTMLAnchorElement | null>} href={url.href} {...apart}>
          {label}
        </a>
      ) : (
        <span {...shared} ref={place} tabIndex={-1}>
          {label}
        </span>
      )}
      <SourceCard source={source} card={card} />
    </span>
  )
}

export function SourceCard({ source, card }: { source: ShownSource; card: ReturnType<typeof useHoverCard>['card'] }) {
  const { title, url, snippet } = source
  return (
    <span {...card} role="tooltip">
      <span className="source-name" dir="auto">
        {title}
      </span>
      {url && <span className="source-host">{url.host}</span>}
      {snippet !== '' && <span dir="auto">{snippet}</span>}
    </span>
  )
}
