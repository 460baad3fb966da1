import { useBlock } from '@runnel/client/react'
import { memo } from 'react'
import { LiveMarkdown } from '../markdown/live-markdown.tsx'
import { useWords } from '../words/words.ts'
import type { BlockProps } from './block-props.ts'
import { useElapsed } from './elapsed.ts'
import { Fold } from './fold.tsx'
import './reasoning.css'

/** What a model thinks before it answers: folded, with its last sentence and its time. */
export const Reasoning = memo(function Reasoning({ messageId, blockId }: BlockProps) {
  const block = useBlock(messageId, blockId)
  const words = useWords().blocks
  const isLive = block?.type === 'reasoning' && block.status === 'in_progress'
  const elapsed = useElapsed(isLive ? block.startedAt : null)
  if (block?.type !== 'reasoning') return null
  const { startedAt, endedAt, text } = block
  const took = endedAt === undefined ? 0 : endedAt - startedAt
  const { live, liveFor, over, overAfter } = words.reasoning
  const title = isLive
    ? elapsed < 1_000
      ? live
      : liveFor(words.duration(wholeSeconds(elapsed)))
    : took < 50
      ? over
      : overAfter(words.duration(wholeSeconds(took)))
  const glimpse = lastSentence(text)
  return (
    <Fold
      isOpen={false}
      className="think"
      label={
        <>
          <span className="think-title" data-live={isLive || undefined}>
            {title}
          </span>
          {glimpse !== '' && (
            <span className="think-glimpse" dir="auto">
              {glimpse}
            </span>
          )}
        </>
      }
    >
      <LiveMarkdown messageId={messageId} blockId={blockId} />
    </Fold>
  )
})

/** Times below a second keep their tenths. */
const wholeSeconds = (ms: number) => (ms < 1_000 ? ms : Math.round(ms / 1_000) * 1_000)

/** Only this much of the end is read, so that a token costs the same however long the thoughts are. */
const glimpseLength = 400

const marks = /^[#>\s*+-]+|[*`]{1,3}|(?<![\p{L}\p{N}])_{1,3}|_{1,3}(?![\p{L}\p{N}])/gu

/** The last sentence of the last line, without its Markdown marks. The underscores inside a name stay. */
function lastSentence(text: string): string {
  const end = text.slice(-glimpseLength).trimEnd()
  const begin = end.lastIndexOf('\n') + 1
  const line = end.slice(begin).replaceAll(marks, '').trim()
  const sentence = /(?:.*[.!?]\s+)?(.*)$/.exec(line)![1]!
  const beginsInAWord = begin === 0 && text.length > glimpseLength && sentence === line
  return beginsInAWord ? sentence.replace(/^\S*\s+/, '… ') : sentence
}
