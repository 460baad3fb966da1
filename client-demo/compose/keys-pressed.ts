import type { KeyboardEvent } from 'react'

/** Whether Enter means "send": not a new line, and not the end of input-method composition. */
export function isSend(event: KeyboardEvent): boolean {
  return event.key === 'Enter' && !event.shiftKey && !isComposing(event)
}

// Safari ends the composing before it tells of the Enter that did it; the old code of the key still says so.
export const isComposing = (event: KeyboardEvent): boolean =>
  event.nativeEvent.isComposing || event.nativeEvent.keyCode === 229
