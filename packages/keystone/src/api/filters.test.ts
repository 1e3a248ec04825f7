import { expect, test } from 'vitest'
import { readPage } from './filters.ts'

test.each(['99999999999999999999', '9223372036854775808', '1e30', '-1', '0', 'abc', ''])(
  'a limit of %j is ignored, because no page can have it',
  (limit) => {
    expect(readPage({ limit })).toEqual({})
  },
)
