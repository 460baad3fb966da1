/**
 * Whether JSON that was parsed is nested deeper than so many levels. Parsing
 * takes any depth; whatever walks the value afterwards overflows the stack.
 */
export function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  const items: readonly unknown[] = Array.isArray(value) ? value : Object.values(value)
  return items.some((item) => isDeeper(item, levels - 1))
}
