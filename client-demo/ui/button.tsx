import type { ButtonHTMLAttributes, ReactNode, Ref } from 'react'
import type { LucideIcon } from './icons.ts'
import './button.css'

type Look = 'plain' | 'primary' | 'quiet' | 'danger'

export interface ButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'children'> {
  look?: Look
  icon?: LucideIcon
  /** The call is under way: the button stays in its place, and a press does nothing. */
  busy?: boolean
  children?: ReactNode
  ref?: Ref<HTMLButtonElement>
}

/** A button with words, or with an icon beside them. */
export function Button({ look = 'plain', icon: Icon, busy, children, className = '', onClick, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      className={`button ${look} ${className}`}
      aria-disabled={busy || undefined}
      onClick={busy ? (event) => event.preventDefault() : onClick}
      {...rest}
    >
      {Icon && <Icon aria-hidden className="icon" />}
      {children}
    </button>
  )
}

/** A button with only an icon; `label` is its accessible name. */
export function IconButton({ label, className = '', ...rest }: Omit<ButtonProps, 'children'> & { label: string }) {
  // A wrapper such as a menu may pass an icon along; this button's own icon is used.
  return (
    <Button
      look="quiet"
      aria-label={label}
      title={label}
      className={`icon-only ${className}`}
      {...rest}
      children={null}
    />
  )
}
