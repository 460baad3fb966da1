/** Lets the browser save a file. */
export function saveFile(bytes: Blob, name: string): void {
  const href = URL.createObjectURL(bytes)
  const link = document.createElement('a')
  link.href = href
  link.download = name
  link.click()
  // The browser has taken hold of it by then.
  setTimeout(() => URL.revokeObjectURL(href), 60_000)
}
