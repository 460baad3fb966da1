/**
 * Lines of a body that should be server-sent events: those that the format has,
 * for its parser, and all others. The parser makes an error with a stack of each
 * of these, which costs a hundred times its characters.
 */

export type Lines = { plain: string } | { odd: string }

const plainLine = /^(?:data|event|id)?(?::|$)/
/** Nobody here connects again. */
const retryLine = /^retry(?::|$)/

/** `text`: whole lines, each with its LF, and CR before it perhaps. Most bodies hold no odd one; a plain one may be taken for one. */
export function mayHoldOdd(text: string): boolean {
  for (let at = 0; at < text.length;) {
    if (!isPlainAt(text, at)) return true
    at = text.indexOf('\n', at) + 1
  }
  return false
}

/** In their order; plain lines that follow each other together. */
export function* linesOf(given: string): Generator<Lines> {
  const text = given.replaceAll('\r\n', '\n')
  let plainFrom = 0
  for (let at = 0; at < text.length;) {
    const from = at
    at = text.indexOf('\n', from) + 1
    const line = text.slice(from, at - 1)
    if (plainLine.test(line)) continue
    if (plainFrom < from) yield { plain: text.slice(plainFrom, from) }
    plainFrom = at
    if (!retryLine.test(line)) yield { odd: line }
  }
  if (plainFrom < text.length) yield { plain: text.slice(plainFrom) }
}

function isPlainAt(text: string, at: number): boolean {
  switch (text.charCodeAt(at)) {
    case 100 /* d */:
      return text.startsWith('data:', at)
    case 101 /* e */:
      return text.startsWith('event:', at)
    case 105 /* i */:
      return text.startsWith('id:', at)
    case 58 /* : */:
    case 10 /* LF */:
    case 13 /* CR */:
      return true
    default:
      return false
  }
}
