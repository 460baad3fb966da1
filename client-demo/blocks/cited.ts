import type { JsonObject } from '@runnel/client'
import type { TextMark, TextMarks } from '@runnel/client/react/markdown'
import { useEffect, useId, useMemo, useState, type ReactNode } from 'react'
import type * as Citing from './citing.tsx'
import type { SourceBlock } from './listed.ts'

export interface Cited {
  readonly marks: TextMarks
  readonly show: (mark: TextMark) => ReactNode
  /** What stands under the text. */
  readonly sources: ReactNode
}

/** What most answers lack: it is loaded when it comes, and the text stays as it is meanwhile. */
let loaded: typeof Citing | null = null

let coming: Promise<typeof Citing> | undefined

/** Imported once for all texts. */
function bringCiting(): Promise<typeof Citing> {
  coming ??= import('./citing.tsx').catch((error: unknown) => {
    // It is asked for anew by the next that want it.
    coming = undefined
    throw error
  })
  return coming
}

/** What a text cites, by its annotations, or by the numbers of the sources that are `listed` in its answer. */
export function useCited(
  annotations: readonly JsonObject[],
  listed: readonly SourceBlock[],
  text: string,
): Cited | null {
  const id = useId()
  const [citing, setCiting] = useState(loaded)
  const isWanted = annotations.length > 0 || listed.length > 0
  useEffect(() => {
    if (isWanted && !citing)
      bringCiting().then(
        (module) => setCiting((loaded = module)),
        () => {},
      )
  }, [isWanted, citing])
  const isNeeded = isWanted && citing?.dependsOnText(annotations, text)
  const citations = useMemo(
    () => (isWanted && citing ? citing.citationsOf(annotations, text, listed) : null),
    [citing, isWanted, annotations, listed, isNeeded ? text : null],
  )
  const { marks } = citations ?? { marks: [] }
  // What is not drawn anew as long as no mark comes or goes.
  const name = JSON.stringify(marks)
  const textMarks = useMemo(() => citing?.marksOf(marks) ?? null, [citing, name])
  return useMemo(() => {
    if (!citing || !citations || !textMarks) return null
    const { show, sources } = citing.viewOf(citations, id)
    return { marks: textMarks, show, sources }
  }, [citing, citations, textMarks, id])
}
