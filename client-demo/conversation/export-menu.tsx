import { IconButton } from '../ui/button.tsx'
import { Fault } from '../ui/fault.tsx'
import { Download } from '../ui/icons.ts'
import { ChoiceMenu } from '../ui/menu.tsx'
import { useWords } from '../words/words.ts'
import { useExportChoices } from './exporting.ts'

/** Saves a chat as a file. Hidden while the chat is empty. */
export function ExportMenu({ chatId }: { chatId: string }) {
  const words = useWords().conversation
  const [choices, error] = useExportChoices(chatId)
  return (
    <>
      <ChoiceMenu button={<IconButton label={words.export} icon={Download} data-testid="export" />} choices={choices} />
      <Fault error={error} />
    </>
  )
}
