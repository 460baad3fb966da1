import { ExportMenu } from '../conversation/export-menu.tsx'
import { IconButton } from '../ui/button.tsx'
import { MenuIcon } from '../ui/icons.ts'
import { usePhone } from '../ui/media.ts'
import { WireButton } from '../wire/wire.tsx'
import { useWords } from '../words/words.ts'
import { ChatChip, ConnectionChip } from './chip.tsx'
import { useIsGone } from './gone.tsx'
import { Here } from './here.tsx'
import { MoreMenu } from './more-menu.tsx'
import { ShareButton } from './share-button.tsx'
import { Title } from './title.tsx'
import './header.css'

export { ConnectionChip }

/** The header of an open chat. `openList` is there if the list is closed and can be opened. */
export function ChatHeader({ chatId, openList }: { chatId: string; openList: (() => void) | undefined }) {
  const words = useWords().header
  const isGone = useIsGone(chatId)
  const isPhone = usePhone()
  return (
    <header className="head">
      {openList && <IconButton className="open-list" label={words.openList} icon={MenuIcon} onClick={openList} />}
      {!isGone && <Title chatId={chatId} />}
      <ChatChip chatId={chatId} />
      {!isGone && (
        <div className="head-end">
          <Here chatId={chatId} />
          {isPhone ? (
            <MoreMenu chatId={chatId} />
          ) : (
            <>
              <ExportMenu chatId={chatId} />
              <WireButton />
            </>
          )}
          <ShareButton chatId={chatId} />
        </div>
      )}
    </header>
  )
}
