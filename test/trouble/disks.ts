import { mkdirSync, mkdtempSync, rmSync, statfsSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'

/** A filesystem of its own in a file, mounted by a loop device. */
interface Disk {
  path: string
  /** Stops all writes for a while, as a disk does that has trouble; returns when they go on. */
  freeze(milliseconds: number): Promise<void>
  /** Leaves no free space. */
  fill(): Promise<void>
  /** Gives the filled space back. */
  empty(): void
}

export interface Disks {
  disks: Disk[]
  close(): Promise<void>
}

/** Makes ext4 filesystems of `megabytes` each and mounts them. */
export async function openDisks(count: number, megabytes: number): Promise<Disks> {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-disks-'))
  const paths = Array.from({ length: count }, (_unused, index) => join(folder, `disk${index + 1}`))
  for (const path of paths) {
    const image = `${path}.img`
    writeFileSync(image, '')
    truncateSync(image, megabytes * 2 ** 20)
    await execa('mkfs.ext4', ['-q', '-m', '0', image])
    mkdirSync(path)
    await execa('mount', ['-o', 'loop', image, path])
  }
  return {
    disks: paths.map(openDisk),
    async close() {
      for (const path of paths) {
        await execa('fsfreeze', ['--unfreeze', path], { reject: false })
        await execa('umount', ['--lazy', path], { reject: false })
      }
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function openDisk(path: string): Disk {
  const ballast = join(path, 'ballast')
  return {
    path,
    async freeze(milliseconds) {
      await execa('fsfreeze', ['--freeze', path])
      await new Promise((done) => setTimeout(done, milliseconds))
      await execa('fsfreeze', ['--unfreeze', path])
    },
    async fill() {
      const { bavail, bsize } = statfsSync(path)
      await execa('fallocate', ['--length', String(Math.max(1, bavail) * bsize), ballast], { reject: false })
      await execa('dd', ['if=/dev/zero', `of=${ballast}.rest`, 'bs=4k'], { reject: false })
    },
    empty() {
      for (const file of [ballast, `${ballast}.rest`]) rmSync(file, { force: true })
    },
  }
}
