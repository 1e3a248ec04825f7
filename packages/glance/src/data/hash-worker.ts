import { createHash, type Hash } from 'node:crypto'
import { parentPort } from 'node:worker_threads'
import type { FromWorker, ToWorker } from './hashing.ts'

/** Hashes streams that live in shared memory; each message names its stream. */
const hashes = new Map<number, Hash>()

parentPort?.on('message', (message: ToWorker) => {
  const { stream } = message
  if (message.kind === 'open') hashes.set(stream, createHash(message.algorithm))
  if (message.kind === 'abandon') hashes.delete(stream)
  if (message.kind === 'update') {
    hashes.get(stream)?.update(new Uint8Array(message.shared, 0, message.length))
    reply({ kind: 'taken', stream, slot: message.slot })
  }
  if (message.kind === 'digest') {
    reply({ kind: 'digest', stream, hex: hashes.get(stream)?.digest('hex') ?? '' })
    hashes.delete(stream)
  }
})

function reply(message: FromWorker) {
  parentPort?.postMessage(message)
}
