import { useBlock } from '@runnel/client/react'
import { memo } from 'react'
import { ExternalLink } from '../ui/icons.ts'
import { useWords } from '../words/words.ts'
import type { BlockProps } from './block-props.ts'
import { apart, webUrl } from './web-url.ts'
import './file.css'

/** A page from another server. Its scripts run in the frame with an opaque origin: they cannot reach this page, its storage or its server. */
export default memo(function Embed({ messageId, blockId }: BlockProps) {
  const block = useBlock(messageId, blockId)
  const words = useWords().blocks
  if (block?.type !== 'embed') return null
  const url = webUrl(block.url)
  if (!url) return <p className="file-name">{block.url}</p>
  return (
    <figure className="embed">
      <iframe
        sandbox="allow-scripts"
        referrerPolicy="no-referrer"
        loading="lazy"
        title={words.embed(url.host)}
        src={url.href}
      />
      <figcaption>
        <a href={url.href} {...apart}>
          {url.href} <ExternalLink aria-hidden className="icon" />
        </a>
      </figcaption>
    </figure>
  )
})
