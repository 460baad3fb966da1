import { useEffect, useState, type ReactNode } from 'react'
import { Button } from '../ui/button.tsx'
import { useWords } from '../words/words.ts'
import { CodeFrame } from './code-frame.tsx'
import { drawDiagram, type Picture } from './diagram-frame.ts'
import { useDark } from './dark.ts'
import './diagram.css'

interface Drawn {
  text: string
  isDark: boolean
  /** Null: it could not be drawn. */
  picture: Picture | null
}

/** A diagram as a picture, or its source. */
export default function Diagram({
  text,
  source,
}: {
  text: string
  source: (note?: string, action?: ReactNode) => ReactNode
}) {
  const words = useWords().markdown
  const isDark = useDark()
  const [drawn, setDrawn] = useState<Drawn | null>(null)
  const [isSource, setSource] = useState(false)
  useEffect(() => {
    let isWanted = true
    drawDiagram(text, isDark).then(
      (picture) => isWanted && setDrawn({ text, isDark, picture }),
      () => isWanted && setDrawn({ text, isDark, picture: null }),
    )
    return () => {
      isWanted = false
    }
  }, [text, isDark])
  // Shows the picture of the other scheme until the new one is ready, so nothing jumps.
  if (drawn?.text !== text) return source()
  if (!drawn.picture) return source(words.diagramFailed)
  if (isSource) return source(undefined, <Toggle label={words.showPicture} toggle={() => setSource(false)} />)
  const { url, width, height } = drawn.picture
  return (
    <CodeFrame
      name={words.diagram}
      text={text}
      buttons={<Toggle label={words.showSource} toggle={() => setSource(true)} />}
    >
      <div className="diagram" tabIndex={0} data-testid="diagram">
        <img src={url} alt={words.diagram} width={width} height={height} />
      </div>
    </CodeFrame>
  )
}

function Toggle({ label, toggle }: { label: string; toggle: () => void }) {
  return (
    <Button look="quiet" onClick={toggle} data-testid="diagram-toggle">
      {label}
    </Button>
  )
}
