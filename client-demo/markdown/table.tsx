import { useRef, type ReactNode } from 'react'
import { IconButton } from '../ui/button.tsx'
import { useCopy } from '../ui/copy.ts'
import { Check, Copy } from '../ui/icons.ts'
import { ChoiceMenu } from '../ui/menu.tsx'
import { useWords } from '../words/words.ts'
import { tableMarkdown, tableTsv } from './table-text.ts'
import './table.css'

/** A table that scrolls inside its frame, however many columns it has, and can be copied. */
export function Table({ children, ...attrs }: { children?: ReactNode }) {
  const { markdown: words, app } = useWords()
  const table = useRef<HTMLTableElement>(null)
  const [copy, isCopied] = useCopy()
  return (
    <div className="table" data-testid="table">
      <div className="table-scroll" tabIndex={0} role="group" aria-label={words.table}>
        <table {...attrs} ref={table}>
          {children}
        </table>
      </div>
      <ChoiceMenu
        button={
          <IconButton
            className="table-copy"
            label={isCopied ? app.copied : words.copyTable}
            icon={isCopied ? Check : Copy}
            data-testid="copy-table"
          />
        }
        choices={[
          { label: words.forSpreadsheet, act: () => copy(tableTsv(table.current!)) },
          { label: words.asMarkdown, act: () => copy(tableMarkdown(table.current!)) },
        ]}
      />
    </div>
  )
}
