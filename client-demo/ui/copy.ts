import { useEffect, useState } from 'react'

/** Copies text, and says for a moment that it is done. */
export function useCopy(): [copy: (text: string) => void, isCopied: boolean] {
  const [isCopied, setCopied] = useState(false)
  useEffect(() => {
    if (!isCopied) return
    const timer = setTimeout(() => setCopied(false), 1_500)
    return () => clearTimeout(timer)
  }, [isCopied])
  const copy = (text: string) =>
    void navigator.clipboard.writeText(text).then(
      () => setCopied(true),
      () => setCopied(false),
    )
  return [copy, isCopied]
}
