import { showSheet } from '../page/sheets.ts'
import { WhoAmI } from '../sign-in/who-am-i.tsx'
import { IconButton } from '../ui/button.tsx'
import { Settings } from '../ui/icons.ts'
import { useWords } from '../words/words.ts'

/** Who is signed in here, and the settings of this page. */
export function Me() {
  const words = useWords().list
  return (
    <div className="me" data-testid="me">
      <WhoAmI />
      <IconButton
        label={words.settings}
        icon={Settings}
        onClick={() => showSheet('settings')}
        data-testid="open-settings"
      />
    </div>
  )
}
