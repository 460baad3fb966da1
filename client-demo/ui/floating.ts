/** The props of what opens over the page. */
import type { ReactNode } from 'react'
import type { LucideIcon } from './icons.ts'

export interface Choice {
  label: string
  icon?: LucideIcon
  isDangerous?: boolean
  /** A tick before it. */
  isChosen?: boolean
  act: () => void
}

export interface PopoverProps {
  /** The element that it opens at; null: closed. */
  anchor: HTMLElement | null
  label: string
  close: () => void
  children?: ReactNode
}

export interface DialogProps {
  title: string
  isOpen: boolean
  close: () => void
  children?: ReactNode
  className?: string
}
