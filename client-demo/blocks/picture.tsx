import { useRead } from '@runnel/client/react'
import { useEffect, useRef, useState } from 'react'
import { Dialog } from '../ui/dialog.tsx'
import { Fault } from '../ui/fault.tsx'
import { useWords } from '../words/words.ts'

/** A picture of this server: small in its place, large on a click. It is loaded when it comes near the view. */
export function Picture({ fileId, name }: { fileId: string; name: string }) {
  const place = useRef<HTMLDivElement>(null)
  const [isNear, setNear] = useState(false)
  useEffect(() => {
    if (isNear || !place.current) return
    const near = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && setNear(true), {
      rootMargin: '100%',
    })
    near.observe(place.current)
    return () => near.disconnect()
  }, [isNear])
  return (
    <div ref={place} className="picture">
      {isNear && <NearPicture fileId={fileId} name={name} />}
    </div>
  )
}

function NearPicture({ fileId, name }: { fileId: string; name: string }) {
  const words = useWords().blocks.file
  const [isLarge, setLarge] = useState(false)
  const { data, error, reload } = useRead(`picture ${fileId}`, async (api, signal) =>
    dataUrl(await api.getFile(fileId, { signal })),
  )
  if (error) return <Fault error={error} retry={reload} />
  if (data === undefined) return null
  return (
    <>
      <button type="button" className="picture-button" aria-label={words.enlarge(name)} onClick={() => setLarge(true)}>
        <img src={data} alt={name} decoding="async" />
      </button>
      <Dialog title={name} isOpen={isLarge} close={() => setLarge(false)} className="picture-dialog">
        <img src={data} alt={name} />
      </Dialog>
    </>
  )
}

/** The page's policy allows only `data:` pictures and those of its own address. */
function dataUrl(bytes: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader()
    reader.addEventListener('load', () => resolve(reader.result as string))
    reader.addEventListener('error', () => reject(reader.error ?? new Error('The picture could not be read.')))
    reader.readAsDataURL(bytes)
  })
}
