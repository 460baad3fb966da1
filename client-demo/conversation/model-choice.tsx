import { useRead } from '@runnel/client/react'
import { Button } from '../ui/button.tsx'
import { Fault } from '../ui/fault.tsx'
import { Skeleton } from '../ui/skeleton.tsx'

/** The models of the server, to choose one. */
export default function ModelChoice({ value, onChoose }: { value: string | null; onChoose: (model: string) => void }) {
  const { data, pending, error, reload } = useRead('models', (api, signal) =>
    api.listModels({ limit: 200 }, { signal }),
  )
  if (!data) return pending ? <Skeleton /> : <Fault error={error} retry={reload} />
  return (
    <ul className="model-choice" data-testid="models">
      {data.items.map(({ id, name }) => (
        <li key={id}>
          <Button look="quiet" aria-current={id === value || undefined} onClick={() => onChoose(id)}>
            {name ?? id}
          </Button>
        </li>
      ))}
    </ul>
  )
}
