import type { ButtonHTMLAttributes, ReactNode, Ref } from 'react'
import type { LucideIcon } from './icons.ts'
import './button.css'

type Look = 'plain' | 'primary' | 'quiet' | 'danger'

export interface ButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'children'> {
  look?: Look
  icon?: LucideIcon
  /** Under way: it stays where it is, and a press does nothing. */
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

/** A button with an icon alone; `label` is what it is called. */
export function IconButton({ label, className = '', ...rest }: Omit<ButtonProps, 'children'> & { label: string }) {
  // What gives it another behaviour may give it an icon, too: it has one.
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
