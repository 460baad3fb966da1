/** Which deltas a filter of text looks at, and what it keeps of each growing text. */
import type { FilteredField } from '../../shared/block-types.ts'
import { filteredField, isShownText } from '../../shared/known-types.ts'
import type { GrowingField } from '../../shared/schema.ts'
import type { ProviderEvent } from '../provider/events.ts'

export interface Delta {
  key: string
  field: GrowingField
}

/** The states of the texts of one request, made when their first delta comes. */
export class GrowingDeltas<State> {
  readonly #fields: readonly FilteredField[] | undefined
  readonly #make: (delta: Delta) => State
  readonly #types = new Map<string, string>()
  readonly #states = new Map<string, Map<GrowingField, State>>()

  /** @param fields undefined: every text that a person reads */
  constructor(fields: readonly FilteredField[] | undefined, make: (delta: Delta) => State) {
    this.#fields = fields
    this.#make = make
  }

  started({ key, block }: ProviderEvent & { type: 'block_start' }): void {
    this.#types.set(key, block.type)
  }

  /** Undefined: the filter does not look at this text. */
  of(delta: Delta): State | undefined {
    const { key, field } = delta
    const known = this.#states.get(key)?.get(field)
    if (known) return known
    // What nobody has begun is looked at, too.
    const type = this.#types.get(key) ?? 'text'
    const isLookedAt = this.#fields?.includes(filteredField(type, field)) ?? isShownText(type, field)
    if (!isLookedAt) return undefined
    const state = this.#make({ key, field })
    this.#states.set(key, (this.#states.get(key) ?? new Map<GrowingField, State>()).set(field, state))
    return state
  }

  /** The texts of a block that ends, which are forgotten. */
  ended(key: string): [GrowingField, State][] {
    const states = [...(this.#states.get(key) ?? [])]
    this.#states.delete(key)
    this.#types.delete(key)
    return states
  }
}
