/**
 * Closes one after the other, in this order, each whatever became of those
 * before it. Throws the fault where there was one, an AggregateError of all
 * where there were several.
 */
export async function closeAll(closings: readonly (() => unknown)[]): Promise<void> {
  const faults: unknown[] = []
  for (const close of closings) {
    try {
      await close()
    } catch (fault) {
      faults.push(fault)
    }
  }
  if (faults.length === 1) throw faults[0]
  if (faults.length > 1) throw new AggregateError(faults, `${faults.length} parts could not be closed cleanly.`)
}
