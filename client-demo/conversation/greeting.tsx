import { Composer } from '../compose/composer.tsx'
import { drafts } from '../compose/drafts.ts'
import { newChat } from '../compose/outbox.ts'
import { useWriter } from '../compose/writer.ts'
import { ConnectionChip } from '../header/header.tsx'
import { IconButton } from '../ui/button.tsx'
import { MenuIcon } from '../ui/icons.ts'
import { useWords } from '../words/words.ts'
import './conversation.css'
import './greeting.css'

/** A new chat: what this is, and examples to start with. It is not on the server before its first message. */
export function Greeting({ openList }: { openList: (() => void) | undefined }) {
  const words = useWords()
  const { greeting } = words.list
  const writer = useWriter()
  // People may change the text before they send it.
  const take = (example: string) => {
    drafts.write(writer, newChat, example)
    document.querySelector<HTMLElement>('#composer')?.focus()
  }
  return (
    <main className="conversation" data-testid="greeting">
      <header className="head">
        {openList && (
          <IconButton className="open-list" label={words.header.openList} icon={MenuIcon} onClick={openList} />
        )}
        <span className="head-rest" />
        <ConnectionChip />
      </header>
      <div className="scroll greeting">
        <div>
          <h1>{greeting.title}</h1>
          <p className="greeting-what">{greeting.what}</p>
        </div>
        <ul className="examples" aria-label={greeting.examplesLabel}>
          {greeting.examples.map((example) => (
            <li key={example}>
              <button type="button" className="example" onClick={() => take(example)} data-testid="example">
                {example}
              </button>
            </li>
          ))}
        </ul>
      </div>
      <footer className="foot">
        <Composer chatId={null} />
      </footer>
    </main>
  )
}
