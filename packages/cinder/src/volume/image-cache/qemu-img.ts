import type { Logger } from '@hearth/core'
import { DriverError, openRunner, type Runner } from '@hearth/driver'

const gib = 1024 ** 3
/** Limits of memory and CPU for `qemu-img info`, as in upstream (CVE-2015-5162). */
const infoLimits = ['prlimit', `--as=${gib}`, '--cpu=60', '--']
const infoTimeoutMs = 60_000
const convertTimeoutMs = 3 * 3600 * 1000

/** qemu-img, always called with an explicit format, so that it never guesses one. */
export interface QemuImg {
  /**
   * Returns the size of the guest's disk in bytes. Throws DriverError `invalid` for images that refer to other files.
   */
  virtualSize(path: string, format: string): Promise<number>
  /** Writes the decoded image over `target`; skips zeros if `target` reads as zeros already. */
  convertInto(source: Source, target: Target, signal?: AbortSignal): Promise<void>
  /** Writes the source to the new file `path` as an image of `format`. */
  convertTo(source: Source, path: string, format: string, signal?: AbortSignal): Promise<void>
}

interface Source {
  filename: string
  format: string
}

interface Target {
  filename: string
  format: string
  isZero: boolean
}

interface Info {
  format: string
  'virtual-size': number
  'backing-filename'?: string
  'format-specific'?: { data?: { 'data-file'?: string } }
}

/** Returns qemu-img, run by `run`; on this host by default. */
export function openQemuImg(log: Logger, run: Runner = openRunner({ log })): QemuImg {
  return {
    async virtualSize(path, format) {
      const argv = [...infoLimits, 'qemu-img', 'info', '-f', format, '--output=json', '--', path]
      const info = JSON.parse((await run(argv, { timeout: infoTimeoutMs })).stdout) as Info
      if (info.format !== format) throw new DriverError('invalid', `the image is ${info.format}, not ${format}`)
      if (info['backing-filename'] !== undefined) throw new DriverError('invalid', 'the image has a backing file')
      if (info['format-specific']?.data?.['data-file'] !== undefined)
        throw new DriverError('invalid', 'the image has an external data file')
      return info['virtual-size']
    },
    async convertInto(source, target, signal) {
      const zero = target.isZero ? ['--target-is-zero'] : []
      const formats = ['-f', source.format, '-O', target.format]
      const argv = [
        'qemu-img',
        'convert',
        '-n',
        ...zero,
        '-t',
        'writeback',
        ...formats,
        source.filename,
        target.filename,
      ]
      await run(argv, { timeout: convertTimeoutMs, ...(signal && { signal }) })
    },
    async convertTo(source, path, format, signal) {
      const argv = ['qemu-img', 'convert', '-f', source.format, '-O', format, '--', source.filename, path]
      await run(argv, { timeout: convertTimeoutMs, ...(signal && { signal }) })
    },
  }
}
