/** The only file that imports Ariakit: dialogs, popovers and menus with their keys. It is loaded when something opens. */
export { Dialog, DialogHeading, Menu, MenuItem, Popover, useMenuStore, usePopoverStore } from '@ariakit/react'
