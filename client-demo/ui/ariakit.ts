/** The one door to Ariakit: what opens, floats and is walked through by keys. Loaded when something opens. */
export { Dialog, DialogHeading, Menu, MenuItem, Popover, useMenuStore, usePopoverStore } from '@ariakit/react'
