import { useStop } from '@runnel/client/react'
import { IconButton } from '../ui/button.tsx'
import { Fault } from '../ui/fault.tsx'
import { Square } from '../ui/icons.ts'
import { useWords } from '../words/words.ts'

/** Stops this answer's run. It stands in the place of Send. */
export function StopButton({ messageId }: { messageId: string }) {
  const words = useWords().compose
  const [stop, stopping] = useStop(messageId)
  return (
    <>
      <Fault error={stopping.error} />
      <IconButton
        className="send stop"
        label={words.stop}
        icon={Square}
        busy={stopping.pending}
        onClick={() => void stop()}
        data-testid="stop"
      />
    </>
  )
}
