import { useLayoutEffect, type RefObject } from 'react'

/** Makes a field as high as its text in browsers that cannot do so themselves. The style sheet sets the limit. */
export function useGrowing(field: RefObject<HTMLTextAreaElement | null>, text: string): void {
  useLayoutEffect(() => {
    const { current } = field
    if (!current || CSS.supports('field-sizing', 'content')) return
    current.style.blockSize = 'auto'
    current.style.blockSize = `${current.scrollHeight}px`
  }, [field, text])
}
