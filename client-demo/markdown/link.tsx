import type { ReactNode } from 'react'
import { ImageIcon } from '../ui/icons.ts'

const ofPicture = /^[^?#]*\.(?:avif|gif|jpe?g|png|svg|webp)(?:[?#]|$)/i

/** Opens in a new tab, which learns nothing about this page. */
export function Link({ children, href, ...rest }: { children?: ReactNode; href?: string }) {
  const isPicture = href !== undefined && ofPicture.test(href)
  return (
    <a {...rest} href={href} target="_blank" rel="noopener noreferrer nofollow">
      {isPicture && <ImageIcon aria-hidden className="icon" />}
      {children}
    </a>
  )
}
