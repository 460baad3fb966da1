import { RunnelError } from '../../shared/errors.ts'
import { FrameReader, type Frame } from '../../shared/frames.ts'

/** The frames of a request's body. Throws `bad_request`, `too_large`. */
export function readSpoken(body: Uint8Array, maxFrameBytes: number): Frame[] {
  const reader = new FrameReader(maxFrameBytes)
  const frames = [...reader.read(body)]
  if (!reader.atEnd) throw new RunnelError('bad_request', 'A frame ends too early.')
  return frames
}
