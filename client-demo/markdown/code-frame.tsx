import type { ReactNode } from 'react'
import { IconButton } from '../ui/button.tsx'
import { useCopy } from '../ui/copy.ts'
import { Check, Copy } from '../ui/icons.ts'
import { useWords } from '../words/words.ts'
import './code.css'
import './code-colours.css'

/** A block with a header: its name, its buttons and Copy. */
export function CodeFrame({
  name,
  text,
  note,
  buttons,
  children,
}: {
  name: string
  /** The text that Copy copies. */
  text: string
  /** A remark above the content. */
  note?: string | undefined
  buttons: ReactNode
  children: ReactNode
}) {
  const words = useWords().app
  const [copy, isCopied] = useCopy()
  return (
    <figure className="code" data-testid="code">
      <figcaption>
        <span className="code-name">{name}</span>
        {buttons}
        <IconButton
          label={isCopied ? words.copied : words.copy}
          icon={isCopied ? Check : Copy}
          onClick={() => copy(text)}
          data-testid="copy-code"
        />
      </figcaption>
      {note !== undefined && <p className="code-note">{note}</p>}
      {children}
    </figure>
  )
}
