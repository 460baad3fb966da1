import type { BlockRef } from '@runnel/client/react'
import { lazy, memo, Suspense, type ComponentType } from 'react'
import type { BlockProps } from './block-props.ts'
import { ErrorNotice } from './error.tsx'
import { Progress } from './progress.tsx'
import { Reasoning } from './reasoning.tsx'
import { Refusal } from './refusal.tsx'
import { Text } from './text.tsx'
import './blocks.css'

/** The component for each kind of block. Rare kinds are loaded when they first appear. */
const kinds: Readonly<Record<string, ComponentType<BlockProps>>> = {
  text: Text,
  reasoning: Reasoning,
  progress: Progress,
  refusal: Refusal,
  error: ErrorNotice,
  tool_call: lazy(() => import('./tool-call.tsx')),
  source: lazy(() => import('./source.tsx')),
  file: lazy(() => import('./file.tsx')),
  embed: lazy(() => import('./embed.tsx')),
}

/** The blocks of an answer in their order. Unknown kinds show nothing. */
export const Blocks = memo(function Blocks({
  blocks,
  ...message
}: Omit<BlockProps, 'blockId'> & { blocks: readonly BlockRef[] }) {
  return blocks.map(({ id, type }) => {
    const Kind = Object.hasOwn(kinds, type) ? kinds[type] : undefined
    return (
      <section key={id} className={`block ${type}`} data-testid="block" data-type={type} hidden={!Kind}>
        {Kind && (
          <Suspense fallback={<div className="block-wait" />}>
            <Kind {...message} blockId={id} />
          </Suspense>
        )}
      </section>
    )
  })
})
