import { describe } from 'vitest'

/** Tests one by one, at the same time as those of other such suites: the machine has two processors. */
export function beside(name: string, register: () => void): void {
  describe.concurrent(name, () => {
    describe('one by one', { concurrent: false }, register)
  })
}
