import { DriverError } from '@hearth/driver'
import { describe, expect, test } from 'vitest'
import type { Share } from './share.ts'
import { chooseShare, ineligible, type Usage } from './usage.ts'

const gib = 1024 ** 3
const rules = { maxOverSubscriptionRatio: 2, reservedPercentage: 10 }

function usage(change: Partial<Usage> = {}): Usage {
  const empty = { files: new Map(), infos: new Map(), unwritable: null }
  return { totalBytes: 100 * gib, freeBytes: 50 * gib, allocatedBytes: 60 * gib, ...empty, ...change }
}

function share(name: string): Share {
  const run = () => Promise.reject(new Error('never called'))
  return { name, options: null, path: `/mnt/${name}`, run, downReason: () => null }
}

describe('a share can take a volume', () => {
  test('as long as what is promised stays below the ratio', () => {
    expect(ineligible(usage(), 139 * gib, rules)).toBe(null)
    expect(ineligible(usage(), 140 * gib, rules)).toContain('promised')
  })

  test('as long as what is used leaves the reserve', () => {
    expect(ineligible(usage({ freeBytes: 10 * gib }), gib, rules)).toBe(null)
    expect(ineligible(usage({ freeBytes: 9 * gib }), gib, rules)).toContain('10 % are reserved')
    expect(ineligible(usage({ freeBytes: 1000 }), gib, { ...rules, reservedPercentage: 0 })).toContain('1000 bytes')
  })

  test('unless it cannot be written', () => {
    expect(ineligible(usage({ unwritable: 'Read-only file system' }), gib, rules)).toBe('Read-only file system')
  })
})

describe('the choice', () => {
  const [a, b, c] = [share('a'), share('b'), share('c')]
  const down = new DriverError('unavailable', 'c is down')

  test('falls on the share with the least promised', () => {
    const offers = [
      { share: a, usage: usage({ allocatedBytes: 80 * gib }) },
      { share: b, usage: usage({ allocatedBytes: 20 * gib }) },
      { share: c, usage: down },
    ]
    expect(chooseShare(offers, gib, rules)).toBe(b)
  })

  test('is no-space when one is full, unavailable when none can be written', () => {
    const full = { share: a, usage: usage({ freeBytes: 0 }) }
    const locked = { share: b, usage: usage({ unwritable: 'Read-only file system' }) }
    const choose = (offers: Parameters<typeof chooseShare>[0]) => () => chooseShare(offers, gib, rules)
    expect(choose([full, locked])).toThrow(expect.objectContaining({ kind: 'no-space' }))
    const unavailable = choose([locked, { share: c, usage: down }])
    expect(unavailable).toThrow(expect.objectContaining({ kind: 'unavailable' }))
    expect(unavailable).toThrow('b: Read-only file system; c: c is down')
  })
})
