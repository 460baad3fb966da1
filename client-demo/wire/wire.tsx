import { lazy, Suspense } from 'react'
import { IconButton } from '../ui/button.tsx'
import { Activity } from '../ui/icons.ts'
import { useWords } from '../words/words.ts'
import { setWireOpen, useWireOpen } from './open.ts'

const WirePanel = lazy(() => import('./wire-panel.tsx'))

/** Opens and closes the panel that shows what the connection carries. */
export function WireButton() {
  const words = useWords().wire
  const isOpen = useWireOpen()
  return (
    <IconButton
      className="wire-button"
      label={isOpen ? words.close : words.open}
      aria-pressed={isOpen}
      icon={Activity}
      onClick={() => setWireOpen(!isOpen)}
      data-testid="wire-button"
    />
  )
}

/** The panel, where it was asked for. */
export function Wire({ chatId }: { chatId: string }) {
  return (
    useWireOpen() && (
      <Suspense>
        <WirePanel chatId={chatId} />
      </Suspense>
    )
  )
}
