import { createRoot } from 'react-dom/client'
import { Button } from '../ui/button.tsx'
import OpenDialog from '../ui/open-dialog.tsx'
import { useWords } from '../words/words.ts'
import { wordsFor, type Person } from './who-is.ts'
import './sign-in.css'

/**
 * Asks before a link makes somebody else of who is signed in, and before there is anything else on the page. Whoever presses Enter or
 * Escape stays who they are. `now`: null where nobody could say.
 */
export function ask(now: Person | null, next: Person): Promise<boolean> {
  const place = document.body.appendChild(document.createElement('div'))
  const root = createRoot(place)
  return new Promise<boolean>((resolve) => root.render(<Ask now={now} next={next} answer={resolve} />)).finally(() => {
    root.unmount()
    place.remove()
  })
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
