/** The messages between the page and the drawing frame. */

export interface DiagramRequest {
  number: number
  text: string
  isDark: boolean
}

export type DiagramAnswer =
  | { type: 'ready' }
  /** Null: the text is not a diagram. */
  | { type: 'drawn'; number: number; svg: string | null; width: number; height: number }

export const maxTextLength = 20_000
export const maxPictureLength = 1_000_000
/** The largest width and height, in pixels. */
export const maxSide = 8_000

/** The frame has read untrusted text, so its answers are checked. */
export function isAnswer(data: unknown): data is DiagramAnswer {
  if (typeof data !== 'object' || data === null) return false
  const { type, number, svg, width, height } = data as Record<string, unknown>
  if (type === 'ready') return true
  return (
    type === 'drawn' &&
    typeof number === 'number' &&
    (svg === null || typeof svg === 'string') &&
    isSide(width) &&
    isSide(height)
  )
}

const isSide = (value: unknown) => typeof value === 'number' && value >= 0 && value <= maxSide
