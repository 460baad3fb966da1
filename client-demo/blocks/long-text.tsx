import type { GrowingField } from '@runnel/client'
import { useBlockText } from '@runnel/client/react'
import { memo } from 'react'
import './long-text.css'

/** About this many characters are laid out at once. */
const pieceLength = 2_000

const Piece = memo(function Piece({ text }: { text: string }) {
  return <span className="text-piece">{text}</span>
})

/** Plain text that grows. A token costs only the last piece, with or without line breaks. */
export const GrowingText = memo(function GrowingText({
  messageId,
  blockId,
  field,
}: {
  messageId: string
  blockId: string
  field: GrowingField
}) {
  const { finished, open } = useBlockText(messageId, blockId, field)
  return (
    <pre className="long-text" dir="auto">
      {finished.map(({ text }, index) => (
        <Piece key={index} text={text} />
      ))}
      {open.text !== '' && <Piece key={finished.length} text={open.text} />}
    </pre>
  )
})

/** Plain text that is complete. Parts out of view are not laid out. */
export const LongText = memo(function LongText({ text }: { text: string }) {
  return (
    <pre className="long-text" dir="auto">
      {piecesOf(text).map((piece, index) => (
        <Piece key={index} text={piece} />
      ))}
    </pre>
  )
})

function piecesOf(text: string): string[] {
  const pieces: string[] = []
  for (let at = 0; at < text.length;) {
    const line = text.indexOf('\n', at + pieceLength)
    let end = line === -1 || line > at + 2 * pieceLength ? at + 2 * pieceLength : line + 1
    // Never split a surrogate pair.
    if (/[\uD800-\uDBFF]/.test(text.charAt(end - 1))) end -= 1
    pieces.push(text.slice(at, end))
    at = end
  }
  return pieces
}
