import { useEffect, useState, useSyncExternalStore } from '../react.ts'

/** So many chunks at each end of a text are there at once: whoever opens it reads one of them. */
const atOnce = { first: 1, last: 2 }
/** So many more come in one turn: few enough that a frame waits for no more than that. */
const inTurn = 2

/**
 * A long text is put on the page in turns, from its end up. Answers with the chunks that are still to come, from `from` on and before
 * `to`; until then they have a guessed height, as all that is out of view. What a server has rendered is there.
 */
export function useFilling(chunks: number): { readonly from: number; readonly to: number } {
  const isRendered = useSyncExternalStore(never, isNotRendered, isRenderedThere)
  const [to, setTo] = useState(isRendered ? 0 : chunks - atOnce.last)
  const isOver = to <= atOnce.first
  useEffect(() => {
    if (isOver) return
    const turn = setTimeout(() => setTo(to - inTurn))
    return () => clearTimeout(turn)
  }, [to, isOver])
  return { from: atOnce.first, to: isOver ? 0 : to }
}

const never = () => () => {}
const isNotRendered = () => false
const isRenderedThere = () => true
