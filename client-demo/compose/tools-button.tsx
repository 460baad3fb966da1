import { lazy, Suspense, useState } from 'react'
import { Button } from '../ui/button.tsx'
import { ChevronDown, Wrench } from '../ui/icons.ts'
import { Popover } from '../ui/popover.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { useWords } from '../words/words.ts'
import { useTools } from './catalog.ts'
import { useChoices } from './choices.ts'

const ToolPicker = lazy(() => import('./tool-picker.tsx'))

/** Chooses which tools the next answer may use. Hidden if the server has none. */
export function ToolsButton({ place }: { place: string }) {
  const words = useWords().compose
  const [anchor, setAnchor] = useState<HTMLElement | null>(null)
  const { data } = useTools()
  const [{ tools: chosen }, choose] = useChoices(place)
  if (!data || data.tools.length === 0) return null
  const count = chosen === null ? data.tools.length : data.tools.filter(({ name }) => chosen.includes(name)).length
  return (
    <>
      <Button
        look="quiet"
        icon={Wrench}
        className="tools-button"
        aria-haspopup="dialog"
        aria-expanded={anchor !== null}
        aria-label={words.toolsAre(count)}
        title={words.toolsAre(count)}
        onClick={({ currentTarget }) => setAnchor(currentTarget)}
        data-testid="tools"
      >
        <span className="tools-word">{words.tools}</span> {count}
        <ChevronDown aria-hidden className="icon" />
      </Button>
      <Popover anchor={anchor} label={words.toolsTitle} close={() => setAnchor(null)}>
        <Suspense fallback={<Skeleton lines={4} />}>
          <ToolPicker {...data} chosen={chosen} onChange={(tools) => choose({ tools })} />
        </Suspense>
      </Popover>
    </>
  )
}
