import type { BlockRef } from '@runnel/client/react'
import { lazy, memo, Suspense, type ComponentType } from 'react'
import type { BlockProps } from './block-props.ts'
import { ErrorNotice } from './error.tsx'
import { Progress } from './progress.tsx'
import { Reasoning } from './reasoning.tsx'
import { Refusal } from './refusal.tsx'
import { Text } from './text.tsx'
import { Unknown } from './unknown.tsx'
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

/** The blocks of an answer in their order. The first of an unknown kind says that the page cannot show it. */
export const Blocks = memo(function Blocks({
  blocks,
  ...message
}: Omit<BlockProps, 'blockId'> & { blocks: readonly BlockRef[] }) {
  const firstUnknown = blocks.find(({ type }) => !Object.hasOwn(kinds, type))
  return blocks.map((block) => {
    const { id, type } = block
    const Kind = Object.hasOwn(kinds, type) ? kinds[type] : block === firstUnknown ? Unknown : undefined
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
