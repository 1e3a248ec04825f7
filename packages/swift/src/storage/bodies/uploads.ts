import { StorageError } from '../errors.ts'
import type { Stage } from './bodies.ts'

interface Upload {
  stage: Stage | null
  /** Time of the last write to it. */
  touched: number
  isCommitting: boolean
}

/** Body files of one device from before they are made until their row is committed or they are removed. */
interface Uploads {
  has(file: string): boolean
  get(file: string): Stage | undefined
  /** Returns the stage, known here until it ends. */
  add(file: string, opening: Promise<Stage>): Promise<Stage>
  /** Runs the write that makes the file part of the device. Throws StorageError `missing` for an unknown file. */
  commit<T>(file: string, write: () => Promise<T>): Promise<T>
  /** Removes all that is not committed. */
  close(): Promise<void>
}

/** Removes uploads without a write for `idle` milliseconds: their writers are gone. */
export function openUploads(idle: number): Uploads {
  const uploads = new Map<string, Upload>()
  let isOpen = true
  const check = setInterval(
    () => {
      const before = performance.now() - idle
      for (const { stage, touched, isCommitting } of uploads.values())
        if (stage && touched < before && !isCommitting) void stage.abort()
    },
    Math.min(idle, 60_000),
  )
  check.unref()
  return {
    has: (file) => uploads.has(file),
    get: (file) => uploads.get(file)?.stage ?? undefined,
    async add(file, opening) {
      const upload: Upload = { stage: null, touched: performance.now(), isCommitting: false }
      uploads.set(file, upload)
      try {
        upload.stage = tracked(await opening, upload, () => uploads.delete(file))
      } catch (error) {
        uploads.delete(file)
        throw error
      }
      if (isOpen) return upload.stage
      await upload.stage.abort()
      throw new StorageError('offline', 'the device was closed')
    },
    async commit(file, write) {
      const upload = uploads.get(file)
      if (!upload || upload.isCommitting) throw new StorageError('missing', `no body ${file} is being written`)
      upload.isCommitting = true
      try {
        return await write()
      } finally {
        uploads.delete(file)
      }
    },
    async close() {
      isOpen = false
      clearInterval(check)
      await Promise.all([...uploads.values()].map(({ stage, isCommitting }) => (isCommitting ? null : stage?.abort())))
    },
  }
}

/** A stage that notes when it is used, and cannot be aborted once its file belongs to the device. */
function tracked(stage: Stage, upload: Upload, forget: () => void): Stage {
  const touch = () => {
    upload.touched = performance.now()
  }
  return {
    file: stage.file,
    write(chunks) {
      touch()
      return stage.write(chunks).finally(touch)
    },
    finish() {
      touch()
      return stage.finish().finally(touch)
    },
    async abort() {
      if (upload.isCommitting) return
      await stage.abort()
      forget()
    },
  }
}
