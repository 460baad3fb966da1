import { useEffect, useLayoutEffect, type RefObject } from 'react'

/** Makes a field as high as its text in browsers that cannot do so themselves. The style sheet sets the limit. */
export function useGrowing(field: RefObject<HTMLTextAreaElement | null>, text: string): void {
  useLayoutEffect(() => grow(field.current), [field, text])
  useEffect(() => {
    const { current } = field
    if (!current) return
    let width = current.clientWidth
    const sizes = new ResizeObserver(() => {
      if (current.clientWidth === width) return
      width = current.clientWidth
      // With the next frame: what is above has been told of its size already.
      requestAnimationFrame(() => grow(current))
    })
    sizes.observe(current)
    return () => sizes.disconnect()
  }, [field])
}

function grow(field: HTMLTextAreaElement | null): void {
  if (!field || CSS.supports('field-sizing', 'content')) return
  const { style } = field
  // A border takes its place while it is measured: what stands above does not move, nor is it scrolled.
  const height = Math.ceil(field.getBoundingClientRect().height)
  Object.assign(style, { minBlockSize: '0', blockSize: '0', borderBlockEnd: `${height}px solid transparent` })
  const needed = field.scrollHeight
  Object.assign(style, { minBlockSize: '', blockSize: `${needed}px`, borderBlockEnd: '' })
}
