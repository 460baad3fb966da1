import { useWords } from '../words/words.ts'
import { Button } from './button.tsx'
import './fault.css'

/** A `RunnelError`, or what a document says of one. */
export interface Failure {
  readonly code: string
  readonly message: string
}

/** What a person reads of an error: by its code, else in the server's sentence. */
export function useSentence(error: Failure | null): string {
  const { byCode } = useWords().errors
  // What the operator may set is named for them, not for who reads this.
  return error ? (byCode[error.code] ?? error.message.replace(/ \(RUNNEL_\w+\)/, '')) : ''
}

/** What went wrong, and a button to try again where that helps. Nothing without an error. */
export function Fault({ error, retry }: { error: Failure | null; retry?: (() => void) | undefined }) {
  const sentence = useSentence(error)
  const words = useWords().app
  if (!error) return null
  return (
    <p className="fault" role="alert">
      {sentence} {retry && <Button onClick={retry}>{words.retry}</Button>}
    </p>
  )
}
