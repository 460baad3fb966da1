import { Menu, MenuItem, useMenuStore } from './ariakit.ts'
import { Check } from './icons.ts'
import type { Choice } from './floating.ts'
import './floating.css'

/** The open menu, placed at its button. */
export default function OpenMenu({
  anchor,
  choices,
  close,
}: {
  anchor: HTMLElement
  choices: readonly Choice[]
  close: () => void
}) {
  const store = useMenuStore({ open: true, setOpen: (isOpen) => !isOpen && close() })
  return (
    <Menu
      store={store}
      className="floating menu"
      aria-label={anchor.getAttribute('aria-label') ?? anchor.textContent}
      gutter={4}
      portal
      autoFocusOnShow
      getAnchorRect={() => anchor.getBoundingClientRect()}
      finalFocus={anchor}
      hideOnInteractOutside={(event) => !anchor.contains(event.target as Node)}
    >
      {choices.map(({ label, icon: Icon, isDangerous, isChosen, act }) => (
        <MenuItem key={label} className="menu-item" data-dangerous={isDangerous || undefined} onClick={act}>
          {Icon && <Icon aria-hidden className="icon" />}
          {label}
          {isChosen && <Check aria-hidden className="icon chosen" />}
        </MenuItem>
      ))}
    </Menu>
  )
}
