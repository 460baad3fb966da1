import { useConnection } from '@runnel/client/react'
import { useState } from 'react'
import { useWords } from '../words/words.ts'
import { Button } from './button.tsx'
import './fault.css'

/** A `RunnelError`, or an error as a document states it. */
export interface Failure {
  readonly code: string
  readonly message: string
}

/** The sentence that a person reads about an error: ours for its code, or else the server's. */
export function useSentence(error: Failure | null): string {
  const { byCode } = useWords().errors
  // Names of settings are for the operator, not for the reader.
  return error ? (byCode[error.code] ?? error.message.replace(/ \(RUNNEL_\w+\)/, '')) : ''
}

/** The server's own sentence, if it says more than ours. */
function useDetail(error: Failure | null): string {
  const { byCode, saysMore } = useWords().errors
  return error && saysMore.includes(error.code) && error.message !== byCode[error.code] ? error.message : ''
}

/** Is this an error of a sign-in that has ended? The sign-in screen covers the page then, and after the next sign-in the error is out of date. */
function useIsPast(error: Failure | null): boolean {
  const isOpen = useConnection().status === 'open'
  const [past, setPast] = useState<Failure | null>(null)
  const isPast = error?.code === 'unauthenticated' && (!isOpen || past === error)
  if (isPast && past !== error) setPast(error)
  return isPast
}

/** What went wrong, with a button to try again where that helps. Renders nothing without an error. */
export function Fault({ error, retry }: { error: Failure | null; retry?: (() => void) | undefined }) {
  const sentence = useSentence(error)
  const detail = useDetail(error)
  const words = useWords()
  const isPast = useIsPast(error)
  if (!error || isPast) return null
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
