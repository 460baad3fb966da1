import { useBranch, useClient, useConnection } from '@runnel/client/react'
import type { Lab } from '@runnel/client/lab'
import { useMemo, useSyncExternalStore } from 'react'
import { IconButton } from '../ui/button.tsx'
import { X } from '../ui/icons.ts'
import { useWords } from '../words/words.ts'
import { Chart } from './chart.tsx'
import { Faults } from './faults.tsx'
import { WireFigures } from './figures.ts'
import { laboratory } from './laboratory.ts'
import { setWireOpen } from './open.ts'
import './wire.css'

/** What the connection carries for the newest answer on show. */
export default function WirePanel({ chatId }: { chatId: string }) {
  const words = useWords().wire
  const lab = laboratory()
  const { entries } = useBranch(chatId)
  const messageId = entries.findLast(({ message }) => message.role === 'assistant')?.message.id
  return (
    <aside className="wire" aria-label={words.title} data-testid="wire">
      <header className="wire-head">
        <h2>{words.title}</h2>
        <IconButton label={words.close} icon={X} onClick={() => setWireOpen(false)} />
      </header>
      {messageId === undefined ? (
        <p className="quiet">{words.nothing}</p>
      ) : (
        <Measured key={messageId} lab={lab} messageId={messageId} />
      )}
      <Faults lab={lab} />
      <p className="quiet">{words.explained}</p>
    </aside>
  )
}

function Measured({ lab, messageId }: { lab: Lab; messageId: string }) {
  const words = useWords().wire
  const { bytes } = words
  const client = useClient()
  const measured = useMemo(() => new WireFigures(client, lab, messageId), [client, lab, messageId])
  const figures = useSyncExternalStore(measured.subscribe, measured.getSnapshot)
  const { points, last, frames, paintMs, stateVector, checkpoint, caughtUp } = figures
  const connection = useConnection()
  return (
    <>
      <Chart points={[...points, last]} label={words.chart} />
      <ul className="legend">
        <li className="whole">{words.whole(bytes(last.whole))}</li>
        <li className="deltas">{words.deltas(bytes(last.deltas))}</li>
        <li className="runnel" data-testid="wire-received" data-bytes={last.runnel} data-whole={last.whole}>
          {words.received(bytes(last.runnel), bytes(last.text))}
        </li>
      </ul>
      <dl className="stat">
        <dt>{words.transport}</dt>
        <dd data-testid="wire-transport">
          {connection.status === 'open' ? words.transports[connection.transport] : words.down}
        </dd>
        <dt>{words.frames}</dt>
        <dd>{frames}</dd>
        <dt>{words.paint}</dt>
        <dd>{paintMs === null ? '–' : words.ms(paintMs)}</dd>
        <dt>{words.stateVector}</dt>
        <dd>{stateVector === null ? '–' : words.entries(stateVector)}</dd>
        <dt>{words.checkpoint}</dt>
        <dd data-testid="wire-checkpoint" data-checkpoint={checkpoint}>
          {words.checkpoints[checkpoint]}
        </dd>
        <dt>{words.caughtUp}</dt>
        <dd>{caughtUp}</dd>
      </dl>
    </>
  )
}
