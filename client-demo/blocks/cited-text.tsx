import type { TextBlock } from '@runnel/client'
import { BlockMarkdown, TextMarks, type MarkdownComponents, type TextMark } from '@runnel/client/react/markdown'
import { createContext, memo, useContext, useId, useMemo } from 'react'
import { markdownComponents, markdownOptions } from '../markdown/components.tsx'
import { useWords } from '../words/words.ts'
import { citationsOf, type Source } from './citations.ts'
import { useHoverCard } from './hover-card.tsx'
import { SourceCard, SourceChip } from './source-chip.tsx'

interface Cited {
  readonly byMark: ReadonlyMap<string, Source>
  /** Of the chips under the text. */
  readonly idOf: (source: Source) => string
}

const CitedContext = createContext<Cited>({ byMark: new Map(), idOf: () => '' })

/** A text with the numbers of its sources in it, and the sources under it. */
export default memo(function CitedText({ messageId, block }: { messageId: string; block: TextBlock }) {
  const words = useWords().blocks.sources
  const id = useId()
  const { annotations, text } = block
  // How much of the text there is does not matter once all offsets lie in it.
  const isAll = annotations.every(({ end_index: end, index }) => Number(end ?? index ?? 0) <= text.length)
  const { sources, marks, cited } = useMemo(() => citationsOf(annotations, text), [annotations, isAll ? null : text])
  const textMarks = useMemo(() => new TextMarks(marks), [marks])
  const shared = useMemo(() => ({ byMark: cited, idOf: ({ place }: Source) => `${id}-${place}` }), [cited, id])
  return (
    <CitedContext value={shared}>
      <BlockMarkdown
        className="md growing"
        messageId={messageId}
        blockId={block.id}
        components={components}
        options={markdownOptions}
        pace
        marks={textMarks}
        text={text}
      />
      {sources.length > 0 && (
        <ol className="sources" aria-label={words.label} data-testid="citations">
          {sources.map((source) => (
            <li key={source.place}>
              <SourceChip source={source} id={shared.idOf(source)} />
            </li>
          ))}
        </ol>
      )}
    </CitedContext>
  )
})

/** The number of a source in the text: it leads to the source under it. */
function Cite({ mark }: { mark: TextMark }) {
  const words = useWords().blocks.sources
  const { byMark, idOf } = useContext(CitedContext)
  const { holder, place, card } = useHoverCard()
  const source = byMark.get(mark.key)
  if (!source) return null
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
        onClick={() => document.getElementById(idOf(source))?.focus()}
      >
        {source.place}
      </button>
      <SourceCard source={source} card={card} />
    </sup>
  )
}

const components: MarkdownComponents = { ...markdownComponents, mark: Cite }
