import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { referenceText } from './reference.ts'

test('REFERENCE.md says what the code says; npm run docs writes it anew', async () => {
  expect(readFileSync(join(import.meta.dirname, '../../../REFERENCE.md'), 'utf8')).toBe(await referenceText())
})
