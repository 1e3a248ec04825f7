/** A ring that cannot be built, read or trusted; the message names the numbers. */
export class RingError extends Error {
  override readonly name = 'RingError'
}
