import { expect, test } from 'vitest'
import { fillUrl } from '../../model/catalog/build.ts'
import { parseTime, writeMicros, writeTime } from '../../model/times.ts'

const scoped = { userId: 'u1', projectId: 'p1' }

test('templates of both notations are filled', () => {
  expect(fillUrl('http://h/v1/AUTH_%(project_id)s', scoped)).toBe('http://h/v1/AUTH_p1')
  expect(fillUrl('http://h/$(tenant_id)s/$(user_id)s', scoped)).toBe('http://h/p1/u1')
  expect(fillUrl('http://h/v3', scoped)).toBe('http://h/v3')
})

test('a URL with a template that cannot be filled gives null', () => {
  expect(fillUrl('http://h/%(project_id)s', { userId: 'u1', projectId: null })).toBeNull()
  expect(fillUrl('http://h/%(colour)s', scoped)).toBeNull()
  expect(fillUrl('http://h/%(project_id', scoped)).toBeNull()
})

test('times keep their microseconds, and time zones are converted to UTC', () => {
  expect(writeMicros(parseTime('2026-01-02T03:04:05.678901')!)).toBe('2026-01-02T03:04:05.678901')
  expect(writeMicros(parseTime('2026-01-02T03:04:05+02:00')!)).toBe('2026-01-02T01:04:05.000000')
  expect(writeTime(0)).toBe('1970-01-01T00:00:00.000000Z')
  expect([parseTime('bad.123Z'), parseTime('2026-13-01T00:00:00Z')]).toEqual([null, null])
})
