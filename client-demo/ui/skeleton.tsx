import { useWords } from '../words/words.ts'
import './skeleton.css'

/** The shape of what is still to come, in place of it. */
export function Skeleton({ lines = 3 }: { lines?: number }) {
  const words = useWords().app
  return (
    <div className="skeleton" role="img" aria-label={words.loading}>
      {Array.from({ length: lines }, (_, line) => (
        <i key={line} />
      ))}
    </div>
  )
}
