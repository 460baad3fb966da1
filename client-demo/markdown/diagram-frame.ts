import {
  isAnswer,
  maxPictureLength,
  maxTextLength,
  type DiagramAnswer,
  type DiagramRequest,
} from './diagram-messages.ts'

export interface Picture {
  /** A `data:` address: in such a picture nothing runs or loads. */
  url: string
  width: number
  height: number
}

/** The time for one diagram. The first one also waits for the drawing program. */
const drawMs = 5_000
const loadMs = 20_000
/** The frame is removed after it has not been used for this long. */
const idleMs = 60_000
const keptPictures = 40

const pictures = new Map<string, Picture>()
let frame: Frame | null = null
let last: Promise<unknown> = Promise.resolve()
let idle: ReturnType<typeof setTimeout> | undefined

/** Draws diagrams one after the other, each within its time. If one takes longer, its frame is thrown away. */
export function drawDiagram(text: string, isDark: boolean): Promise<Picture> {
  const name = `${isDark} ${text}`
  const drawing = last.then(async () => {
    const known = pictures.get(name)
    if (known) return known
    if (text.length > maxTextLength) throw new Error('The diagram is too long.')
    clearTimeout(idle)
    try {
      const picture = await draw(text, isDark)
      pictures.set(name, picture)
      if (pictures.size > keptPictures) pictures.delete(pictures.keys().next().value!)
      return picture
    } finally {
      idle = setTimeout(leave, idleMs)
    }
  })
  last = drawing.catch(() => {})
  return drawing
}

/** A working frame can draw this. */
const simplest = 'flowchart LR\n  A'

/** A text may break the frame for the ones after it: those are drawn again in a new frame. */
async function draw(text: string, isDark: boolean): Promise<Picture> {
  const isUsed = frame !== null
  const asked = (frame ??= new Frame())
  try {
    return await asked.draw(text, isDark)
  } catch (error) {
    const isWell = error === undrawable && (await asked.draw(simplest, isDark).then(Boolean, () => false))
    if (!isWell) leave()
    // A diagram that took too long is not tried again.
    if (!isWell && isUsed && error === undrawable) return draw(text, isDark)
    throw error
  }
}

function leave(): void {
  frame?.remove()
  frame = null
}

const undrawable = new Error('The text is no diagram.')

/** A page of the build, in a sandbox with its own policy. It gets a text and answers with a picture. */
class Frame {
  readonly #element = document.createElement('iframe')
  readonly #isReady: Promise<unknown>
  #number = 0

  constructor() {
    this.#element.className = 'diagram-frame'
    this.#element.setAttribute('sandbox', 'allow-scripts')
    this.#element.setAttribute('aria-hidden', 'true')
    this.#element.tabIndex = -1
    this.#element.src = new URL('diagram.html', document.baseURI).href
    this.#isReady = this.#hears((data) => (data.type === 'ready' ? data : undefined), loadMs)
    document.body.append(this.#element)
  }

  async draw(text: string, isDark: boolean): Promise<Picture> {
    await this.#isReady
    const number = ++this.#number
    const answer = this.#hears((data) => (data.type === 'drawn' && data.number === number ? data : undefined), drawMs)
    // Its origin is opaque.
    this.#element.contentWindow!.postMessage({ number, text, isDark } satisfies DiagramRequest, '*')
    const { svg, width, height } = await answer
    if (svg === null || svg.length > maxPictureLength) throw undrawable
    return { url: `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`, width, height }
  }

  remove(): void {
    this.#element.remove()
  }

  #hears<Answer>(find: (data: DiagramAnswer) => Answer | undefined, ms: number): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const end = (over: () => void) => {
        removeEventListener('message', listen)
        clearTimeout(timer)
        over()
      }
      const timer = setTimeout(() => end(() => reject(new Error('The diagram took too long.'))), ms)
      const listen = ({ source, data }: MessageEvent<unknown>) => {
        if (source !== this.#element.contentWindow || !isAnswer(data)) return
        const found = find(data)
        if (found !== undefined) end(() => resolve(found))
      }
      addEventListener('message', listen)
    })
  }
}
