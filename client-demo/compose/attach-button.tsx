import { useRef } from 'react'
import { IconButton } from '../ui/button.tsx'
import { Paperclip } from '../ui/icons.ts'
import { useWords } from '../words/words.ts'

export function AttachButton({ take }: { take: (files: readonly File[]) => void }) {
  const words = useWords().compose
  const input = useRef<HTMLInputElement>(null)
  return (
    <>
      <IconButton label={words.attach} icon={Paperclip} onClick={() => input.current?.click()} data-testid="attach" />
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label={words.attach}
        data-testid="file-input"
        onChange={({ target }) => {
          take([...(target.files ?? [])])
          // Lets the same file be chosen again.
          target.value = ''
        }}
      />
    </>
  )
}
