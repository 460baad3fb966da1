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

/** The server's own sentence, where it says more; else nothing. */
function useDetail(error: Failure | null): string {
  const { byCode, saysMore } = useWords().errors
  return error && saysMore.includes(error.code) && error.message !== byCode[error.code] ? error.message : ''
}

/** What went wrong, and a button to try again where that helps. Nothing without an error. */
export function Fault({ error, retry }: { error: Failure | null; retry?: (() => void) | undefined }) {
  const sentence = useSentence(error)
  const detail = useDetail(error)
  const words = useWords()
  if (!error) return null
  return (
    <p className="fault" role="alert">
      {sentence}{' '}
      {detail !== '' && (
        <small className="fault-detail" dir="auto">
          {words.blocks.details} {detail}{' '}
        </small>
      )}
      {retry && <Button onClick={retry}>{words.app.retry}</Button>}
    </p>
  )
}
