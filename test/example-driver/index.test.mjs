import { mkdtemp, rm } from 'node:fs/promises'
import { openDriver, openRunner } from '@hearth/driver'
import { crashContract, volumeContract } from '@hearth/driver/contract'
import { afterAll } from 'vitest'

const shelf = `${import.meta.dirname}/index.mjs`
const scratch = await mkdtemp('/tmp/shelf-')
afterAll(() => rm(scratch, { recursive: true }))
let serial = 0
const options = async () => ({ folder: `${scratch}/${serial++}` })

volumeContract({
  name: 'shelf',
  open: async (log) => openDriver('volume', shelf, await options(), { run: openRunner({ log }), log }),
  abilities: { list: true },
})
crashContract({ name: 'shelf', package: shelf, options })
