/** Runs in the drawing frame: texts come in, pictures go out. The only file that imports Mermaid. */
import mermaid from 'mermaid'
import { maxSide, maxTextLength, type DiagramAnswer, type DiagramRequest } from './diagram-messages.ts'

const answer = (words: DiagramAnswer) => parent.postMessage(words, '*')

const light = {
  background: '#ffffff',
  primaryColor: '#e3f1f9',
  primaryTextColor: '#14202a',
  primaryBorderColor: '#2f7fa6',
  lineColor: '#5b6b76',
  edgeLabelBackground: '#ffffff',
  secondaryColor: '#eef3f6',
  tertiaryColor: '#f6f9fb',
  noteBkgColor: '#fdf3dc',
  noteTextColor: '#14202a',
  noteBorderColor: '#b98a2c',
}
const dark = {
  background: '#171d1f',
  primaryColor: '#1d3644',
  primaryTextColor: '#e8eef2',
  primaryBorderColor: '#63b4dc',
  lineColor: '#9fb0bb',
  edgeLabelBackground: '#171d1f',
  secondaryColor: '#232c33',
  tertiaryColor: '#1a2127',
  noteBkgColor: '#3a3018',
  noteTextColor: '#f2ead8',
  noteBorderColor: '#c9a24a',
}

addEventListener('message', ({ source, data }: MessageEvent<DiagramRequest>) => {
  if (source === parent) void draw(data)
})

async function draw({ number, text, isDark }: DiagramRequest): Promise<void> {
  const nothing = { type: 'drawn', number, svg: null, width: 0, height: 0 } as const
  try {
    mermaid.initialize({
      startOnLoad: false,
      securityLevel: 'strict',
      suppressErrorRendering: true,
      maxTextSize: maxTextLength,
      maxEdges: 500,
      htmlLabels: false,
      theme: 'base',
      darkMode: isDark,
      themeVariables: { darkMode: isDark, fontSize: '14px', ...(isDark ? dark : light) },
      fontFamily: 'system-ui, sans-serif',
    })
    const { svg } = await mermaid.render(`diagram-${number}`, text)
    answer({ ...nothing, ...pictureOf(svg) })
  } catch {
    answer(nothing)
  }
  document.body.replaceChildren()
}

/** Sets the size and writes XML, because browsers read an SVG picture more strictly than a page. */
function pictureOf(svg: string): { svg: string; width: number; height: number } {
  const holder = document.createElement('div')
  holder.innerHTML = svg
  const element = holder.querySelector('svg')!
  const { width, height } = element.viewBox.baseVal
  const side = (length: number) => Math.min(Math.max(Math.ceil(length), 1), maxSide)
  const size = { width: side(width), height: side(height) }
  element.setAttribute('width', String(size.width))
  element.setAttribute('height', String(size.height))
  return { svg: new XMLSerializer().serializeToString(element), ...size }
}

answer({ type: 'ready' })
