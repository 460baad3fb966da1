import { lazy, Suspense, useState } from 'react'
import { Button } from '../ui/button.tsx'
import { ChevronDown } from '../ui/icons.ts'
import { Popover } from '../ui/popover.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { useWords } from '../words/words.ts'
import { useModels } from './catalog.ts'
import { useChoices } from './choices.ts'

const ModelsToAsk = lazy(() => import('./models-to-ask.tsx'))

/** Chooses the model, or several. Hidden if there is nothing to choose. */
export function ModelButton({ place, lastModel }: { place: string; lastModel: string | null }) {
  const words = useWords().compose
  const [anchor, setAnchor] = useState<HTMLElement | null>(null)
  const { data: models } = useModels()
  const [choices, choose] = useChoices(place)
  if (!models || models.length < 2) return null
  // Without a choice it is the model of the last answer.
  const chosen = choices.models.filter((id) => models.some((model) => model.id === id))
  const shown = chosen[0] ?? lastModel ?? models.find(({ isDefault }) => isDefault)?.id
  const name = models.find(({ id }) => id === shown)?.name ?? shown ?? words.model
  const label = chosen.length > 1 ? words.models(chosen.length) : name
  return (
    <>
      <Button
        look="quiet"
        className="model-button"
        aria-haspopup="dialog"
        aria-expanded={anchor !== null}
        aria-label={words.modelIs(label)}
        title={words.modelIs(label)}
        onClick={({ currentTarget }) => setAnchor(currentTarget)}
        data-testid="model"
      >
        <bdi>{label.slice(label.lastIndexOf('/') + 1)}</bdi>
        <ChevronDown aria-hidden className="icon" />
      </Button>
      <Popover anchor={anchor} label={words.modelTitle} close={() => setAnchor(null)}>
        <Suspense fallback={<Skeleton lines={4} />}>
          <ModelsToAsk
            chosen={chosen.length > 0 || shown === undefined ? chosen : [shown]}
            onChange={(next) => choose({ models: next })}
            close={() => setAnchor(null)}
          />
        </Suspense>
      </Popover>
    </>
  )
}
