/** Error of a ring that cannot be built or read, or that is damaged. The message names the file or the wrong value. */
export class RingError extends Error {
  override readonly name = 'RingError'
}
