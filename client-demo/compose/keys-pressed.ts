import type { KeyboardEvent } from 'react'

/** Whether Enter means "send": not a new line, and not the end of input-method composition. */
export function isSend(event: KeyboardEvent): boolean {
  return event.key === 'Enter' && !event.shiftKey && !isComposing(event)
}

/** An arrow up that means nothing in the field itself, where there is nothing. */
export function isUp(event: KeyboardEvent): boolean {
  const { key, shiftKey, ctrlKey, altKey, metaKey } = event
  return key === 'ArrowUp' && !(shiftKey || ctrlKey || altKey || metaKey) && !isComposing(event)
}

// Safari ends the composing before it tells of the Enter that did it; the old code of the key still says so.
export const isComposing = (event: KeyboardEvent): boolean =>
  event.nativeEvent.isComposing || event.nativeEvent.keyCode === 229
