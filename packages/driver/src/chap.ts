import { randomBytes } from 'node:crypto'
import type { Chap } from './export.ts'

/**
 * Returns new credentials for one target, in lengths that every initiator accepts: RFC 7143 requires at least 96 bits,
 * and some accept at most 16 characters. The name begins with a letter: Linux's target reads `0x…` and `0b…` as
 * numbers.
 */
export function newChap(): Chap {
  return { username: `h${randomBytes(10).toString('hex')}`.slice(0, 20), password: randomBytes(8).toString('hex') }
}
