import type { LiveSource } from './live.ts'

/** Calls whenever a line is open again that was not: what happened meanwhile was not told. */
export function onOpened(
  { getSnapshot, subscribe }: LiveSource<{ readonly status: string }>,
  opened: () => void,
): () => void {
  const isOpen = () => getSnapshot().status === 'open'
  let wasOpen = isOpen()
  return subscribe(() => {
    if (isOpen() && !wasOpen) opened()
    wasOpen = isOpen()
  })
}
