import { useLayoutEffect, type RefObject } from 'react'

/** A field that is as high as its text, where the browser does not do it by itself. How high at the most is the sheet's. */
export function useGrowing(field: RefObject<HTMLTextAreaElement | null>, text: string): void {
  useLayoutEffect(() => {
    const { current } = field
    if (!current || CSS.supports('field-sizing', 'content')) return
    current.style.blockSize = 'auto'
    current.style.blockSize = `${current.scrollHeight}px`
  }, [field, text])
}
