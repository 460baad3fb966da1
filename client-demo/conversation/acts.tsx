import type { ReactNode, Ref } from 'react'
import { Button, IconButton } from '../ui/button.tsx'
import { ChoiceMenu, type Choice } from '../ui/menu.tsx'
import { Ellipsis } from '../ui/icons.ts'
import type { LucideIcon } from '../ui/icons.ts'
import { useWords } from '../words/words.ts'

/** Something that may be done with a message. */
export interface Act extends Omit<Choice, 'isChosen'> {
  icon: LucideIcon
  /** A button of its own: always, or where there is room and else in the menu. */
  inRow?: 'always' | 'wide'
  busy?: boolean
  testId?: string
}

/** The line of a message that is kept for what may be done with it: `first` at its beginning, the rest behind ⋯. */
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

/** A button in words, in the line of a message. */
export function ActButton(props: Parameters<typeof Button>[0]) {
  return <Button look="quiet" className="act" {...props} />
}
