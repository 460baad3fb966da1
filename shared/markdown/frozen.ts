import type { Item } from './assemble.ts'
import type { Defines } from './defines.ts'
import type { Blocks, Token } from './grammar.ts'
import type { Uses } from './memory.ts'

/** A block that later text does not change; a later definition may. */
export interface Frozen {
  start: number
  /** How much of the text told what it is and that it is over. */
  told: number
  items: readonly Item[]
  defines: Defines | null
  uses: Uses
  /** What to build it of once more; null where nothing can change it. */
  again: { token: Token; inline: Blocks['inline'] } | null
}
