import { KeySheet } from './key-sheet.tsx'
import { PageSettings } from '../settings/page-settings.tsx'
import { showSheet, type Sheet } from './sheets.ts'

/** The sheet that covers the page. */
export default function OpenSheet({ sheet }: { sheet: Sheet }) {
  const close = () => showSheet(null)
  return sheet === 'keys' ? <KeySheet close={close} /> : <PageSettings close={close} />
}
