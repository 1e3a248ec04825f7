import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '@hearth/core'
import { expect, test } from 'vitest'
import { openEngine } from './engine.ts'

test('a write that cannot be copied to the writer fails by itself, and the next is done', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-engine-'))
  const engine = await openEngine({ folder, log: silentLog })
  try {
    const wrong = { ids: [Object] } as never
    await expect(engine.write('forgetPending', wrong)).rejects.toMatchObject({ name: 'DataCloneError' })
    await engine.write('forgetPending', { ids: [] })
  } finally {
    await engine.close()
    rmSync(folder, { recursive: true })
  }
})
