/** Objects of a device that wait for repair, by hash. */
export interface Damage {
  /** Notes a damaged object; one noted already, or one over the limit (the auditor will find it), changes nothing. */
  add(hash: string): void
  /** The next one, which is noted no more. */
  take(): string | undefined
  /** Called whenever something is added. */
  onAdd: (() => void) | null
}

const most = 10_000

/** Opens an empty record of damaged objects. */
export function openDamage(): Damage {
  const hashes = new Set<string>()
  const damage: Damage = {
    onAdd: null,
    add(hash) {
      if (hashes.size >= most || !/^[0-9a-f]{32}$/.test(hash)) return
      hashes.add(hash)
      damage.onAdd?.()
    },
    take() {
      const [first] = hashes
      if (first !== undefined) hashes.delete(first)
      return first
    },
  }
  return damage
}
