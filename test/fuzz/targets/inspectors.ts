import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isHearthError } from '@hearth/core'
import { DriverError } from '@hearth/driver'
import fc from 'fast-check'
import { checkHead, detectFormat } from '../../../packages/cinder/src/volume/image-cache/inspect.ts'
import { openInspection } from '../../../packages/glance/src/data/formats/inspect.ts'
import { judgeFormat } from '../../../packages/glance/src/data/formats/judge.ts'
import { note } from '../notes.ts'
import { define, refusedOr } from '../target.ts'
import { damage, damages, inPieces, pieceSizes } from '../values.ts'

const formats = ['qcow2', 'vmdk', 'vdi', 'vpc', 'vhdx', 'qed', 'parallels', 'raw']
const claims = ['raw', 'qcow2', 'vmdk', 'vdi', 'vhd', 'vhdx', 'iso', 'ami', 'ploop']
const headBytes = 65_536
const askQemuEvery = 50

/** What an image must not do however it is damaged: name another file. The fields that do, as qemu-img reports them. */
const foreign = ['backing-filename', 'data-file']

/** Headers of images: judged without a crash; what passes as qcow2 names no other file, as qemu-img sees it too. */
export const target = define({
  surface: 'process',
  memoryMiB: 400,
  async open() {
    const folder = mkdtempSync(join(tmpdir(), 'hearth-fuzz-images-'))
    const seeds = formats.map((format) => {
      const path = join(folder, format)
      execFileSync('qemu-img', ['create', '-q', '-f', format, path, '1M'])
      return readFileSync(path)
    })
    const backed = join(folder, 'backed')
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', join(folder, 'raw'), '-F', 'raw', backed, '1M'])
    seeds.push(readFileSync(backed))
    let count = 0
    return {
      cases: fc.record({
        seed: fc.integer({ min: 0, max: seeds.length - 1 }),
        head: fc.constantFrom(128, 512, 4096, headBytes, 1, 0.5),
        changes: damages,
        sizes: pieceSizes,
        claim: fc.constantFrom(...claims),
      }),
      async run({ seed, head, changes, sizes, claim }) {
        const whole = seeds[seed]!
        // Damage at the beginning is worth most: that is where the headers are.
        const cut = head <= 1 ? Math.floor(whole.length * head) : Math.min(head, whole.length)
        const bytes = Buffer.concat([damage(whole.subarray(0, cut), changes), whole.subarray(cut)])
        const inspection = openInspection()
        for await (const piece of inPieces(
          bytes,
          sizes.length > 1 ? sizes.map((size) => Math.max(size, 511)) : [65_536],
        ))
          inspection.write(piece)
        const found = inspection.finish()
        const isRefusal = (error: Error): boolean => isHearthError(error) && error.status === 415
        const size = await refusedOr(() => judgeFormat(claim, found), isRefusal)
        if (size !== undefined && size !== null && !(size >= 0)) throw new Error(`a virtual size of ${size}`)
        const tail = bytes.subarray(Math.max(0, bytes.length - 512))
        const format = detectFormat(bytes.subarray(0, headBytes), tail)
        const safe = await refusedOr(
          () => checkHead(bytes.subarray(0, headBytes), tail, format) ?? true,
          (error) => error instanceof DriverError && error.kind === 'invalid',
        )
        if (++count % askQemuEvery === 0) askQemu(join(folder, 'case'), bytes, format, safe === true)
      },
      close: () => rmSync(folder, { recursive: true, force: true }),
    }
  },
})

function askQemu(path: string, bytes: Buffer, format: string, safe: boolean): void {
  writeFileSync(path, bytes)
  const { stdout, signal, status } = spawnSync('qemu-img', ['info', '-f', format, '--output=json', path], {
    timeout: 10_000,
  })
  note(`qemu-img ${signal ?? status}`)
  if (signal) throw new Error(`qemu-img ends with ${signal} on what was taken for ${format}`)
  if (status !== 0 || !safe) return
  const info = JSON.parse(stdout.toString()) as Record<string, unknown>
  const special = ((info['format-specific'] as { data?: Record<string, unknown> } | undefined)?.data ?? {}) as Record<
    string,
    unknown
  >
  for (const field of foreign)
    if (info[field] ?? special[field]) throw new Error(`passes for ${format} and has a ${field}`)
}
