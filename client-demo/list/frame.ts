import { useCallback, useMemo, useState } from 'react'
import { usePhone } from '../ui/media.ts'

/** How the list is shown: beside the chat, where it can be hidden, or on a phone as a drawer over it. */
export interface ListFrame {
  readonly isDrawer: boolean
  readonly isShown: boolean
  readonly show: () => void
  readonly hide: () => void
  /** Something was chosen in it: a drawer closes. */
  readonly chosen: () => void
}

const key = 'runnel-list'

export function useListFrame(): ListFrame {
  const isDrawer = usePhone()
  const [isOpen, setOpen] = useState(false)
  const [isFolded, setFolded] = useState(() => localStorage.getItem(key) === 'folded')
  const set = useCallback(
    (shown: boolean) => {
      if (isDrawer) return setOpen(shown)
      setFolded(!shown)
      localStorage.setItem(key, shown ? 'shown' : 'folded')
    },
    [isDrawer],
  )
  return useMemo(
    () => ({
      isDrawer,
      isShown: isDrawer ? isOpen : !isFolded,
      show: () => set(true),
      hide: () => set(false),
      chosen: () => setOpen(false),
    }),
    [isDrawer, isOpen, isFolded, set],
  )
}
