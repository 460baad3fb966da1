import type { Difference } from '../room/catchup.ts'
import { fragmentBytes, framesBytes, type Frames } from '../room/frame.ts'

/** In pieces, so that a slow reader's progress is seen. */
export function eventFrames(text: string): Frames {
  const bytes = Buffer.from(text)
  if (bytes.length <= fragmentBytes) return [bytes]
  return Array.from({ length: Math.ceil(bytes.length / fragmentBytes) }, (_, i) =>
    bytes.subarray(i * fragmentBytes, (i + 1) * fragmentBytes),
  )
}

export function newDifference(text: string): Difference {
  const frames = eventFrames(text)
  return { frames, bytes: framesBytes(frames), holders: 0 }
}
