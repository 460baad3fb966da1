import { useState } from 'react'
import { mostModels } from '../conversation/side-by-side.ts'
import { useWords } from '../words/words.ts'
import { ModelList } from './model-picker.tsx'

/** The model for the next question, or several side by side. */
export default function ModelsToAsk({
  chosen,
  onChange,
  close,
}: {
  chosen: readonly string[]
  onChange: (models: readonly string[]) => void
  close: () => void
}) {
  const words = useWords().compose
  const [isSeveral, setSeveral] = useState(chosen.length > 1)
  const choose = (model: string) => {
    if (!isSeveral) {
      onChange([model])
      close()
    } else if (!chosen.includes(model)) onChange([...chosen, model])
    // At least one model is always chosen.
    else if (chosen.length > 1) onChange(chosen.filter((one) => one !== model))
  }
  return (
    <>
      <ModelList chosen={chosen} onChoose={choose} most={isSeveral ? mostModels : 1} />
      <label className="picker-switch">
        <input
          type="checkbox"
          checked={isSeveral}
          onChange={({ target }) => {
            setSeveral(target.checked)
            if (!target.checked) onChange(chosen.slice(0, 1))
          }}
          data-testid="several-models"
        />
        <span className="picker-text">
          {words.several}
          <small>{words.severalNote(mostModels)}</small>
        </span>
      </label>
    </>
  )
}
