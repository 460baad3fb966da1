import { Button } from '../ui/button.tsx'
import { CircleAlert } from '../ui/icons.ts'
import { useWords } from '../words/words.ts'

/** A newer server has written what this page cannot read: that it is there is not kept from anybody. */
export function Unknown() {
  const words = useWords().blocks
  return (
    <div className="notice">
      <CircleAlert aria-hidden className="icon" />
      <div>
        <p>{words.unknown}</p>
        <Button onClick={() => location.reload()}>{words.reload}</Button>
      </div>
    </div>
  )
}
