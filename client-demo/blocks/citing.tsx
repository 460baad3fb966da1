import { TextMarks, type TextMark } from '@runnel/client/react/markdown'
import type { ReactNode } from 'react'
import { useWords } from '../words/words.ts'
import type { Citations, Source } from './citations.ts'
import { useHoverCard } from './hover-card.tsx'
import { SourceCard, SourceChip } from './source-chip.tsx'

export { citationsOf, dependsOnText } from './citations.ts'

export const marksOf = (marks: readonly TextMark[]): TextMarks => new TextMarks(marks)

/** The numbers of sources in a text, and its own sources under it. `id`: of this text on the page. */
export function viewOf({ sources, cited }: Citations, id: string) {
  const chipIdOf = ({ chip, place }: Source) => chip ?? `${id}-${place}`
  const show = ({ key }: TextMark): ReactNode => {
    const source = cited.get(key)
    return source && <Cite source={source} chipId={chipIdOf(source)} />
  }
  return { show, sources: sources.length > 0 && <Sources sources={sources} chipIdOf={chipIdOf} /> }
}

function Sources({ sources, chipIdOf }: { sources: readonly Source[]; chipIdOf: (source: Source) => string }) {
  const words = useWords().blocks.sources
  return (
    <ol className="sources" aria-label={words.label} data-testid="citations">
      {sources.map((source) => (
        <li key={source.place}>
          <SourceChip source={source} id={chipIdOf(source)} />
        </li>
      ))}
    </ol>
  )
}

/** The number of a source in the text: it leads to the source under it. */
function Cite({ source, chipId }: { source: Source; chipId: string }) {
  const words = useWords().blocks.sources
  const { holder, place, card } = useHoverCard()
  const { onPointerLeave, ...button } = holder
  return (
    <sup className="cite-holder" onPointerLeave={onPointerLeave}>
      <button
        type="button"
        {...button}
        ref={(element) => {
          place.current = element
        }}
        className="cite"
        aria-label={words.cited(source.place, source.title)}
        onClick={() => document.getElementById(chipId)?.focus()}
      >
        {source.place}
      </button>
      <SourceCard source={source} card={card} />
    </sup>
  )
}
