import type { ReactElement } from 'react'
import { Button } from '../ui/button.tsx'
import OpenDialog from '../ui/open-dialog.tsx'
import { useWords } from '../words/words.ts'
import { wordsFor, type Person } from './who-is.ts'
import './sign-in.css'

/** Renders onto the page, where nothing else is yet. */
export type Draw = (element: ReactElement) => void

/**
 * Asks before a link signs somebody in as another user. Enter and Escape keep the present user. `now`: null if
 * that user is not known.
 */
export function ask(draw: Draw, now: Person | null, next: Person): Promise<boolean> {
  return new Promise((resolve) => draw(<Ask now={now} next={next} answer={resolve} />))
}

function Ask({ now, next, answer }: { now: Person | null; next: Person; answer: (yes: boolean) => void }) {
  const words = useWords().signIn
  const [from, to] = [now && wordsFor(now), wordsFor(next)]
  return (
    <OpenDialog title={words.askTitle} close={() => answer(false)}>
      <div data-testid="ask">
        <p dir="auto">{words.askText(from, to)}</p>
        <div className="answers">
          <Button autoFocus onClick={() => answer(false)} data-testid="ask-no">
            {words.stay(from)}
          </Button>
          <Button onClick={() => answer(true)} data-testid="ask-yes">
            {words.signInAs(to)}
          </Button>
        </div>
      </div>
    </OpenDialog>
  )
}
