import { Composer } from '../compose/composer.tsx'
import { ConnectionChip } from '../header/header.tsx'
import { IconButton } from '../ui/button.tsx'
import { MenuIcon } from '../ui/icons.ts'
import { useWords } from '../words/words.ts'

/** A new chat: nothing of it is on the server before its first message. */
export function Greeting({ openList }: { openList: (() => void) | undefined }) {
  const words = useWords()
  return (
    <main className="conversation">
      <header className="head">
        {openList && (
          <IconButton className="open-list" label={words.header.openList} icon={MenuIcon} onClick={openList} />
        )}
        <ConnectionChip />
      </header>
      <div className="scroll greeting">
        <h1>{words.conversation.greeting}</h1>
      </div>
      <footer className="foot">
        <Composer chatId={null} />
      </footer>
    </main>
  )
}
