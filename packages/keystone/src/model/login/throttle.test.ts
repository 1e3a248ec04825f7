import { expect, test } from 'vitest'
import { type Attempt, network, openThrottle } from './throttle.ts'

function opened(settings: { userFailures: number; addressFailures: number }) {
  let ms = 0
  const throttle = openThrottle({ ...settings, seconds: 60 }, { now: () => new Date(ms) })
  const isAdmitted = (attempt: Attempt): boolean => {
    try {
      throttle.admit(attempt)
      return true
    } catch (error) {
      expect(error).toMatchObject({ status: 429, headers: { 'retry-after': expect.stringMatching(/^[1-9]\d*$/) } })
      return false
    }
  }
  const fail = (attempt: Attempt, times: number): void => {
    for (let count = 0; count < times; count++) throttle.failed(attempt)
  }
  return {
    throttle,
    isAdmitted,
    fail,
    pass: (seconds: number) => {
      ms += seconds * 1000
    },
  }
}

test('a user is refused after the limit of failures from all addresses, until time has passed', () => {
  const { isAdmitted, fail, pass } = opened({ userFailures: 3, addressFailures: 0 })
  for (const address of ['10.0.0.1', '10.0.0.2', '10.0.0.3']) fail({ subject: 'ann', address }, 1)
  const next = { subject: 'ann', address: '10.0.0.3' }
  expect([isAdmitted(next), isAdmitted({ ...next, subject: 'bob' })]).toEqual([false, true])
  pass(19)
  expect(isAdmitted(next)).toBe(false)
  pass(1)
  expect(isAdmitted(next)).toBe(true)
  fail(next, 1)
  expect(isAdmitted(next)).toBe(false)
})

test('guesses from other addresses do not block a user at an address without failures of that user', () => {
  const { isAdmitted, fail } = opened({ userFailures: 3, addressFailures: 100 })
  fail({ subject: 'ann', address: '10.0.0.66' }, 50)
  const ann = { subject: 'ann', address: '10.0.0.2' }
  expect([isAdmitted({ ...ann, address: '10.0.0.66' }), isAdmitted(ann)]).toEqual([false, true])
  fail(ann, 1)
  expect(isAdmitted(ann)).toBe(false)
})

test('an address is refused after the limit of failures of all users', () => {
  const { isAdmitted, fail } = opened({ userFailures: 0, addressFailures: 2 })
  fail({ subject: 'ann', address: '2001:db8::1' }, 1)
  fail({ subject: 'bob', address: '2001:db8::ffff' }, 1)
  expect(isAdmitted({ subject: 'carl', address: '2001:db8:0:0:8::9' })).toBe(false)
  expect(isAdmitted({ subject: 'carl', address: '2001:db8:0:1::1' })).toBe(true)
})

test('failures of other clients do not block a user at an address with an earlier log-in, but failures of that user there do', () => {
  const { throttle, isAdmitted, fail, pass } = opened({ userFailures: 3, addressFailures: 5 })
  const home = { subject: 'ann', address: '10.0.0.1' }
  throttle.succeeded(home)
  fail({ subject: 'ann', address: '10.9.9.9' }, 3)
  fail({ subject: 'bob', address: '10.0.0.1' }, 5)
  expect(isAdmitted({ subject: 'ann', address: '10.9.9.9' })).toBe(false)
  expect(isAdmitted(home)).toBe(true)
  fail(home, 3)
  expect(isAdmitted(home)).toBe(false)
  pass(24 * 3600)
  expect(isAdmitted(home)).toBe(true)
})

test('IPv6 addresses with the same first 64 bits count as one', () => {
  expect(network('::1')).toBe('0:0:0:0::/64')
  expect(network('fe80::1%eth0')).toBe('fe80:0:0:0::/64')
  expect(network('2001:0DB8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64')
  expect(network('192.0.2.1')).toBe('192.0.2.1')
})
