import type { CodeNode } from '@runnel/client/markdown'
import { memo, useEffect, useState } from 'react'
import { highlight } from './highlight.ts'
import type { Token } from './token.ts'

type Piece = CodeNode['children'][number]

/**
 * Some lines of code, coloured as soon as the grammar is there. It is rendered again only while it is the last piece and
 * grows, and coloured again only when another line is complete. Half a line at its end is plain: it goes on in the next piece.
 */
export const CodePiece = memo(function CodePiece({
  piece,
  previous,
  language,
  isWhole,
  isLast,
}: {
  piece: Piece
  /** What stands above: a comment may have begun there. */
  previous: Piece | undefined
  language: string
  isWhole: boolean
  /** The code ends with it. */
  isLast: boolean
}) {
  const { text } = piece
  const ready = isLast ? text.length : text.lastIndexOf('\n') + 1
  const lines = text.slice(0, ready)
  // While it grows, its lines are a piece; once it is whole, all of it, which tells how the next one begins.
  const wanted = isWhole ? text : lines
  const [coloured, setColoured] = useState<{ text: string; tokens: readonly Token[] } | null>(null)
  useEffect(() => {
    if (wanted === '') return undefined
    const asked = wanted === text ? piece : { ...piece, text: wanted }
    return highlight({ language, piece: asked, previous, isWhole }, (tokens) =>
      setColoured({ text: lines, tokens: cutTo(lines.length, tokens) }),
    )
  }, [language, previous, wanted, lines, isWhole, isWhole ? piece : null])
  const isSame = coloured !== null && text.startsWith(coloured.text)
  return (
    <span className="markdown-piece">
      {isSame &&
        coloured.tokens.map(({ kind, text: words }, index) =>
          kind === '' ? (
            words
          ) : (
            <span key={index} className={kind}>
              {words}
            </span>
          ),
        )}
      {isSame ? text.slice(coloured.text.length) : text}
    </span>
  )
})

function cutTo(length: number, tokens: readonly Token[]): readonly Token[] {
  const kept: Token[] = []
  let left = length
  for (const { kind, text } of tokens) {
    if (left <= 0) break
    kept.push({ kind, text: text.slice(0, left) })
    left -= text.length
  }
  return kept
}
