/** How often something worth knowing was seen in this process, such as answers by status. */
export const notes = new Map<string, number>()

export function note(what: string): void {
  notes.set(what, (notes.get(what) ?? 0) + 1)
}
