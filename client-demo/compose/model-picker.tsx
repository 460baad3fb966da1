import type { ModelInfo } from '@runnel/client'
import { useState } from 'react'
import { Fault } from '../ui/fault.tsx'
import { Check } from '../ui/icons.ts'
import { Skeleton } from '../ui/skeleton.tsx'
import { useWords } from '../words/words.ts'
import { useModels } from './catalog.ts'
import './picker.css'

/** With more models than this there is a search field. */
const fewModels = 8

export interface ModelPickerProps {
  value: string | null
  onChoose: (model: string) => void
}

/** The models of the server, to choose one. */
export function ModelPicker({ value, onChoose }: ModelPickerProps) {
  return <ModelList chosen={value === null ? [] : [value]} onChoose={onChoose} />
}

export default ModelPicker

/** `most`: how many may be chosen; pressing a chosen one removes it. */
export function ModelList({
  chosen,
  onChoose,
  most = 1,
}: {
  chosen: readonly string[]
  onChoose: (model: string) => void
  most?: number
}) {
  const words = useWords().compose
  const { data: models, error, reload } = useModels()
  const [query, setQuery] = useState('')
  if (!models) return error ? <Fault error={error} retry={reload} /> : <Skeleton />
  const found = models.filter((model) => matches(model, query))
  return (
    <>
      {models.length > fewModels && (
        <input
          type="search"
          className="picker-search"
          aria-label={words.searchModels}
          placeholder={words.searchModels}
          value={query}
          autoFocus
          onChange={({ target }) => setQuery(target.value)}
          data-testid="search-models"
        />
      )}
      <ul className="picker" aria-label={words.modelTitle} data-testid="models">
        {found.map((model) => {
          const isChosen = chosen.includes(model.id)
          const isOver = most > 1 && !isChosen && chosen.length >= most
          return (
            <li key={model.id}>
              <button
                type="button"
                className="picker-row"
                role={most > 1 ? 'checkbox' : undefined}
                aria-checked={most > 1 ? isChosen : undefined}
                aria-current={most === 1 && isChosen ? 'true' : undefined}
                disabled={isOver}
                onClick={() => onChoose(model.id)}
              >
                <span className="picker-text">
                  <bdi>{model.name ?? model.id}</bdi>
                  <small>{words.modelFacts(model)}</small>
                </span>
                {isChosen && <Check aria-hidden className="icon" />}
              </button>
            </li>
          )
        })}
      </ul>
      {found.length === 0 && <p className="picker-note">{words.noModel}</p>}
    </>
  )
}

/** Each word must occur in the name, the id or the provider. */
function matches({ id, name = '', provider }: ModelInfo, query: string): boolean {
  const text = `${id} ${name} ${provider}`.toLowerCase()
  return query
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word))
}
