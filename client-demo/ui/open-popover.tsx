import { Popover as AriaPopover, usePopoverStore } from './ariakit.ts'
import type { PopoverProps } from './floating.ts'
import './floating.css'

export default function OpenPopover({ anchor, label, close, children }: PopoverProps & { anchor: HTMLElement }) {
  const store = usePopoverStore({ open: true, setOpen: (isOpen) => !isOpen && close() })
  return (
    <AriaPopover
      store={store}
      className="floating"
      aria-label={label}
      gutter={4}
      portal
      autoFocusOnShow
      getAnchorRect={() => anchor.getBoundingClientRect()}
      finalFocus={anchor}
      hideOnInteractOutside={(event) => !anchor.contains(event.target as Node)}
    >
      {children}
    </AriaPopover>
  )
}
