import { RunnelError } from '../../shared/errors.ts'
import { FrameReader, type Frame } from '../../shared/frames.ts'
import { maxSaidFrames } from '../../shared/transports.ts'

/** The frames of a request's body. Throws `bad_request`, `too_large`. */
export function readSpoken(body: Uint8Array, maxFrameBytes: number): Frame[] {
  const reader = new FrameReader(maxFrameBytes)
  const frames: Frame[] = []
  for (const frame of reader.read(body)) {
    // A frame may be of two bytes: what a body costs is not bounded by its size.
    if (frames.length === maxSaidFrames)
      throw new RunnelError('too_large', `A body has no more than ${maxSaidFrames} frames. Say the rest in another.`)
    frames.push(frame)
  }
  if (!reader.atEnd) throw new RunnelError('bad_request', 'A frame ends too early.')
  return frames
}
