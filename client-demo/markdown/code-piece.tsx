import { memo, useEffect, useState } from 'react'
import { highlight } from './highlight.ts'
import type { Token } from './token.ts'

/**
 * Some lines of code, coloured as soon as the grammar is there. It is rendered again only while it is the last piece and
 * grows, and coloured again only when another line is complete.
 */
export const CodePiece = memo(function CodePiece({
  text,
  before,
  language,
  isWhole,
}: {
  text: string
  /** The code above: a comment may have begun there. */
  before: string
  language: string
  isWhole: boolean
}) {
  const ready = isWhole ? text.length : text.lastIndexOf('\n') + 1
  const lines = text.slice(0, ready)
  const [coloured, setColoured] = useState<{ text: string; tokens: readonly Token[] } | null>(null)
  useEffect(
    () =>
      lines === '' ? undefined : highlight(language, before, lines, (tokens) => setColoured({ text: lines, tokens })),
    [language, before, lines],
  )
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
