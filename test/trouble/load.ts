import type { Started } from '../start.ts'
import { type BlockClient, openBlockClient } from './blocks.ts'
import { type Caller, openCaller } from './caller.ts'
import { type ObjectClient, openObjectClient } from './objects.ts'
import { type Random, randomFrom } from './random.ts'

interface LoadOptions {
  seed: number
  objectClients: number
  blockClients: number
  /** Fraction of the requests, 0 to 1, whose client leaves in the middle. */
  abortFraction?: number
}

/** Clients of objects (as the administrator) and of volumes and images (as demo), each in a closed loop. */
export interface Load {
  objects: ObjectClient[]
  blocks: BlockClient[]
  callers: Caller[]
  random: Random
  /** Log-ins and containers; once after each start of the suite. */
  prepare(): Promise<void>
  /** Sends requests until the signal; returns when every client has ended its last one. */
  run(signal: AbortSignal): Promise<void>
  requests(): number
  close(): Promise<void>
}

export function openLoad(suite: Started, options: LoadOptions): Load {
  const random = randomFrom(options.seed)
  const { abortFraction = 0 } = options
  const seeded = (): Random => randomFrom(random.below(2 ** 32))
  const objectCaller = openCaller(suite.urls, suite.admin, seeded(), abortFraction)
  const blockCaller = openCaller(suite.urls, suite.demo, seeded(), abortFraction)
  const objects = Array.from({ length: options.objectClients }, (_unused, index) =>
    openObjectClient(objectCaller, seeded(), `trouble-${index}`),
  )
  const blocks = Array.from({ length: options.blockClients }, () => openBlockClient(blockCaller, seeded()))
  const callers = [objectCaller, blockCaller]
  let prepared = false
  return {
    objects,
    blocks,
    callers,
    random,
    async prepare() {
      for (const caller of callers) await caller.logIn()
      if (!prepared) for (const client of objects) await client.prepare()
      prepared = true
    },
    async run(signal) {
      await Promise.all([...objects, ...blocks].map((client) => loop(client, signal)))
    },
    requests: () => callers.reduce((sum, caller) => sum + caller.counts.requests, 0),
    async close() {
      for (const caller of callers) await caller.close()
    },
  }
}

/** A lost connection costs a short pause, so that a dead suite is not asked in a tight loop. */
async function loop(client: { step(): Promise<void> }, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const begun = performance.now()
    await client.step()
    if (performance.now() - begun < 1) await new Promise((done) => setTimeout(done, 5))
  }
}
