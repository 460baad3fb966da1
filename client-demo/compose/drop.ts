import { useEffect, useState } from 'react'

/** Takes files dropped anywhere on the page. True while files are being dragged over it. */
export function useDrop(take: ((files: File[]) => void) | null): boolean {
  const [isOver, setOver] = useState(false)
  useEffect(() => {
    if (!take) return
    // `dragenter` of the next element comes before `dragleave` of the last one.
    let depth = 0
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false
    const on = (name: 'dragenter' | 'dragover' | 'dragleave' | 'drop', act: (event: DragEvent) => void) => {
      const listener = (event: DragEvent) => {
        if (!hasFiles(event)) return
        event.preventDefault()
        act(event)
      }
      addEventListener(name, listener)
      return () => removeEventListener(name, listener)
    }
    const ends = [
      on('dragenter', () => setOver(++depth > 0)),
      on('dragover', () => {}),
      on('dragleave', () => setOver(--depth > 0)),
      on('drop', ({ dataTransfer }) => {
        depth = 0
        setOver(false)
        const files = [...(dataTransfer?.files ?? [])]
        if (files.length > 0) take(files)
      }),
    ]
    return () => {
      for (const end of ends) end()
    }
  }, [take])
  return isOver && take !== null
}
