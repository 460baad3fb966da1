import type { ReactNode, Ref } from 'react'
import { Button, IconButton } from '../ui/button.tsx'
import { ChoiceMenu, type Choice } from '../ui/menu.tsx'
import { Ellipsis } from '../ui/icons.ts'
import type { LucideIcon } from '../ui/icons.ts'
import { useWords } from '../words/words.ts'

/** Something that a person can do with a message. */
export interface Act extends Omit<Choice, 'isChosen'> {
  icon: LucideIcon
  /** Whether it has its own button: always, or only if there is room. Otherwise it is in the menu. */
  inRow?: 'always' | 'wide'
  busy?: boolean
  testId?: string
}

/** The line below a message with its buttons: `first` comes first, the rest is in the ⋯ menu. */
export function Acts({
  first,
  acts,
  last,
  more,
}: {
  first?: ReactNode
  acts: readonly (Act | false)[]
  last?: ReactNode
  more?: Ref<HTMLButtonElement>
}) {
  const words = useWords().conversation
  const offered = acts.filter((act) => act !== false)
  return (
    <div className="message-acts">
      {first}
      {offered
        .filter(({ inRow }) => inRow)
        .map(({ label, icon, act, busy, testId, inRow }) => (
          <IconButton
            key={label}
            className={inRow === 'wide' ? 'act wide' : 'act'}
            label={label}
            icon={icon}
            busy={busy ?? false}
            onClick={act}
            data-testid={testId}
          />
        ))}
      <ChoiceMenu
        button={<IconButton ref={more} label={words.more} icon={Ellipsis} data-testid="more" />}
        choices={offered.filter(({ inRow }) => inRow !== 'always')}
      />
      {last}
    </div>
  )
}

/** A button with words, in the line below a message. */
export function ActButton(props: Parameters<typeof Button>[0]) {
  return <Button look="quiet" className="act" {...props} />
}
