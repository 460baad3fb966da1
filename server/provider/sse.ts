import { createParser } from 'eventsource-parser'
import { RunnelError } from '../../shared/errors.ts'

/** A frame may hold an image; one beyond this many characters is no frame. */
const maxFrameChars = 32 * 1024 * 1024

const streaming = { stream: true } as const

/** Takes the bytes of a body of server-sent events, cut anywhere, and gives its frames. */
export interface SseReader {
  /** Throws what `onFrame` throws, and `provider_bad_response` where a frame exceeds the bound. */
  push(bytes: Uint8Array): void
  /** The body is over: gives the last frame where it lacks its blank line. */
  end(): void
}

export function createSseReader(
  onFrame: (type: string | undefined, data: string) => void,
  maxChars: number = maxFrameChars,
): SseReader {
  const decoder = new TextDecoder()
  const parser = createParser({
    maxBufferSize: maxChars,
    onEvent: (frame) => onFrame(frame.event, frame.data),
    onError: (error) => {
      if (error.type !== 'max-buffer-size-exceeded') return
      throw new RunnelError('provider_bad_response', 'The model provider sent a frame that is too large.', {
        cause: error,
      })
    },
  })
  return {
    push: (bytes) => parser.feed(decoder.decode(bytes, streaming)),
    end: () => parser.feed(`${decoder.decode()}\n\n`),
  }
}
