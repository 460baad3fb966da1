/**
 * The texts of blocks that grow by appends, each a Y.Text. They stand apart from the table of block types, whose rows name them,
 * since a page needs no more of it.
 */

export interface Growth {
  /**
   * False: a program reads it. Filters (redaction, moderation) look at a text
   * unless this says that no person reads it, or they were told which to look at.
   */
  readonly isShownText?: false
  /** It is made when its first character comes: absent differs from empty. */
  readonly isLate?: true
}

export const growing = {
  text: { text: {} },
  reasoning: { text: {} },
  tool_call: { arguments: { isShownText: false }, output: { isShownText: false, isLate: true } },
  refusal: { text: {} },
} as const

/** Fields that are a Y.Text and grow by appends. */
export type GrowingField = { [T in keyof typeof growing]: keyof (typeof growing)[T] }[keyof typeof growing]

/** By a field's name. */
type Texts = { readonly [field: string]: Growth | undefined }

const byType = new Map<string, Texts>(Object.entries(growing))

/** Those of a type that only its maker knows; without any, the type is forgotten. */
export function setGrowing(type: string, texts: Texts | undefined): void {
  if (texts) byType.set(type, texts)
  else byType.delete(type)
}

export function growth(type: string, field: string): Growth | undefined {
  const texts = byType.get(type)
  return texts && Object.hasOwn(texts, field) ? texts[field] : undefined
}

export function isGrowingField(type: string, field: string): field is GrowingField {
  return growth(type, field) !== undefined
}
