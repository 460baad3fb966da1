import { Dialog as AriaDialog, DialogHeading } from './ariakit.ts'
import { IconButton } from './button.tsx'
import type { DialogProps } from './floating.ts'
import { X } from './icons.ts'
import { useWords } from '../words/words.ts'
import './dialog.css'

export default function OpenDialog({ title, close, children, className = '' }: Omit<DialogProps, 'isOpen'>) {
  const words = useWords().app
  return (
    <AriaDialog
      open
      onClose={close}
      unmountOnHide
      backdrop={<div className="backdrop" />}
      className={`dialog ${className}`}
    >
      <header className="dialog-head">
        <DialogHeading className="dialog-title">{title}</DialogHeading>
        <IconButton label={words.close} icon={X} onClick={close} />
      </header>
      {children}
    </AriaDialog>
  )
}
