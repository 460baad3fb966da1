import { useExportChoices } from '../conversation/exporting.ts'
import { IconButton } from '../ui/button.tsx'
import { Fault } from '../ui/fault.tsx'
import { Activity, Download, Ellipsis } from '../ui/icons.ts'
import { ChoiceMenu } from '../ui/menu.tsx'
import { setWireOpen, useWireOpen } from '../wire/open.ts'
import { useWords } from '../words/words.ts'

/** The menu that replaces some of the header's buttons on a phone. */
export function MoreMenu({ chatId }: { chatId: string }) {
  const words = useWords()
  const [saves, error] = useExportChoices(chatId)
  const isWireOpen = useWireOpen()
  return (
    <>
      <ChoiceMenu
        button={<IconButton label={words.header.more} icon={Ellipsis} data-testid="chat-menu" />}
        choices={[
          ...saves.map((choice) => ({ ...choice, icon: Download })),
          {
            label: isWireOpen ? words.wire.close : words.wire.open,
            icon: Activity,
            act: () => setWireOpen(!isWireOpen),
          },
        ]}
      />
      <Fault error={error} />
    </>
  )
}
