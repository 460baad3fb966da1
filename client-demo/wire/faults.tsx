import type { Lab } from '@runnel/client/lab'
import { useState } from 'react'
import { Button } from '../ui/button.tsx'
import { ChoiceMenu } from '../ui/menu.tsx'
import { useWords } from '../words/words.ts'

const offlineMs = 5_000
const slowBytesPerSecond = 200
const slowMs = 5_000

/** Buttons that disturb the connection. */
export function Faults({ lab }: { lab: Lab }) {
  const words = useWords().wire
  const [going, setGoing] = useState<'offline' | 'slow' | null>(null)
  const during = (name: 'offline' | 'slow', fault: Promise<void>) => {
    setGoing(name)
    void fault.then(() => setGoing(null))
  }
  const only = (transport: Parameters<Lab['only']>[0]) => ({
    label: transport === null ? words.anyTransport : words.transports[transport],
    act: () => lab.only(transport),
  })
  return (
    <div className="faults">
      <Button onClick={() => lab.cut()} data-testid="wire-cut">
        {words.cut}
      </Button>
      <Button
        busy={going === 'offline'}
        onClick={() => during('offline', lab.offline(offlineMs))}
        data-testid="wire-offline"
      >
        {words.offline}
      </Button>
      <Button
        busy={going === 'slow'}
        onClick={() => during('slow', lab.readSlowly(slowBytesPerSecond, slowMs))}
        data-testid="wire-slow"
      >
        {words.slow}
      </Button>
      <Button onClick={() => lab.corrupt()} data-testid="wire-corrupt">
        {words.corrupt}
      </Button>
      <ChoiceMenu
        button={<Button data-testid="wire-only">{words.change}</Button>}
        choices={[only(null), only('stream'), only('poll')]}
      />
      <Button onClick={() => open(location.href)} data-testid="wire-tab">
        {words.secondTab}
      </Button>
    </div>
  )
}
