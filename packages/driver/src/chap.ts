import { randomBytes } from 'node:crypto'
import type { Chap } from './export.ts'

/**
 * New credentials of one target, in lengths that every initiator takes (RFC 7143 asks for at least 96 bits, some stop at
 * 16 characters). The name begins with a letter: Linux's target takes `0x…` and `0b…` for numbers.
 */
export function newChap(): Chap {
  return { username: `h${randomBytes(10).toString('hex')}`.slice(0, 20), password: randomBytes(8).toString('hex') }
}
