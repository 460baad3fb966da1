/** So many that nobody uses are kept for whoever comes back to them. */
const keptUnused = 100

/** Things by a name, each made when it is first asked for. Those in use stay; of the others the one used longest ago goes. */
export class Kept<Thing extends { readonly isUsed: boolean }> {
  readonly #things = new Map<string, Thing>()
  readonly #most: number

  constructor(most = keptUnused) {
    this.#most = most
  }

  get size(): number {
    return this.#things.size
  }

  get(name: string, make: () => Thing): Thing {
    const known = this.#things.get(name)
    const thing = known ?? make()
    this.#things.delete(name)
    this.#things.set(name, thing)
    if (!known && this.#things.size > this.#most) this.#dropUnused()
    return thing
  }

  #dropUnused(): void {
    let over = this.#things.size - this.#most
    for (const [name, { isUsed }] of this.#things) {
      if (over <= 0) return
      if (isUsed) continue
      this.#things.delete(name)
      over--
    }
  }
}
