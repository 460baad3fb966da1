import { useWords } from '../words/words.ts'
import './skeleton.css'

/** A placeholder in the shape of what is being loaded. */
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
