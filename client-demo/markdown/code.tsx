import type { CodeNode } from '@runnel/client/markdown'
import { lazy, Suspense, useState, type ReactNode } from 'react'
import { IconButton } from '../ui/button.tsx'
import { WrapText } from '../ui/icons.ts'
import { useWords } from '../words/words.ts'
import { CodeFrame } from './code-frame.tsx'
import { CodePiece } from './code-piece.tsx'
import { nameOf } from './languages.ts'

const Diagram = lazy(() => import('./diagram.tsx'))

/** A block of code, or the diagram that it draws once it is complete. */
export function Code({ node, text }: { node: CodeNode; text: string }) {
  if (node.language !== 'mermaid' || !node.closed) return <Source node={node} text={text} />
  return (
    <Suspense fallback={<Source node={node} text={text} />}>
      <Diagram text={text} source={(note, action) => <Source node={node} text={text} note={note} action={action} />} />
    </Suspense>
  )
}

/** `note`: a remark above the code; `action`: a button beside the others. */
function Source({ node, text, note, action }: { node: CodeNode; text: string; note?: string; action?: ReactNode }) {
  const words = useWords().markdown
  const [isWrapped, setWrapped] = useState(false)
  return (
    <CodeFrame
      name={nameOf(node.language) || words.code}
      text={text}
      note={note}
      buttons={
        <>
          {action}
          <IconButton
            label={words.wrap}
            icon={WrapText}
            aria-pressed={isWrapped}
            onClick={() => setWrapped(!isWrapped)}
            data-testid="wrap"
          />
        </>
      }
    >
      <pre tabIndex={0} data-wrapped={isWrapped || undefined} data-language={node.language || undefined}>
        <code>
          {node.children.map((piece, index) => {
            const isEnd = index === node.children.length - 1
            return (
              <CodePiece
                key={piece.key}
                piece={piece}
                previous={node.children[index - 1]}
                language={node.language}
                isWhole={node.closed || !isEnd}
                isLast={node.closed && isEnd}
              />
            )
          })}
        </code>
      </pre>
    </CodeFrame>
  )
}
