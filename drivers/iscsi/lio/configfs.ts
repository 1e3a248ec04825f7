import { constants, glob, lstat, mkdir, open, readFile, rmdir, stat, symlink, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { DriverDeps } from '@hearth/driver'
import { openRemoteConfigfs } from './configfs-remote.ts'
import { type Configfs, type Found, type Step, stepFailure } from './configfs-step.ts'

export const configfsRoot = '/sys/kernel/config/target'

/** Opens the kernel's tree: by system calls on this host; on another host by one process for many lists of steps. */
export function openConfigfs(deps: DriverDeps, root = configfsRoot): Configfs {
  return deps.remote ? openRemoteConfigfs(deps.run, root) : { apply: (steps) => applyHere(root, steps) }
}

async function applyHere(root: string, steps: Step[]): Promise<Found> {
  const found: Found = new Map()
  for (const step of steps) {
    if (await endsAt(root, step)) break
    await applyStep(root, step, found).catch((error: unknown) => {
      const said = error instanceof Error ? error.message.replace(/^\w+: (.*?), .*$/s, '$1') : String(error)
      throw stepFailure(step, said, error)
    })
  }
  return found
}

async function endsAt(root: string, [kind, path, of]: Step): Promise<boolean> {
  if (kind === 'unless') return (await lstat(join(root, path)).catch(() => null)) !== null
  return kind === 'only' && (await identityOf(path))?.split(' ')[0] !== of
}

async function applyStep(root: string, step: Step, found: Found): Promise<void> {
  const path = join(root, step[1])
  switch (step[0]) {
    case 'mkdir':
      await mkdir(path, { recursive: true })
      return
    case 'link':
      await symlink(join(root, step[2]), path).catch(unless('EEXIST'))
      return
    case 'write':
      return put(path, step[2])
    case 'try':
      return put(path, step[2]).catch(() => undefined)
    case 'unlink':
      for (const one of await matching(root, step[1])) await unlink(one).catch(unless('ENOENT'))
      return
    case 'rmdir':
      for (const one of await matching(root, step[1])) await rmdir(one).catch(unless('ENOENT'))
      return
    case 'read':
      return readMatches(root, step[1], found)
    case 'note':
      return put(path, (await identityOf(step[2])) ?? '')
    case 'identify': {
      const identity = await identityOf(step[1])
      if (identity) found.set(step[1], identity)
    }
  }
}

/** One write call, which is what the kernel takes as one value; some entries cannot be read, none can be made. */
async function put(path: string, value: string): Promise<void> {
  const file = await open(path, constants.O_WRONLY)
  try {
    await file.write(value)
  } finally {
    await file.close()
  }
}

function unless(code: string): (error: NodeJS.ErrnoException) => void {
  return (error) => {
    if (error.code !== code) throw error
  }
}

async function matching(root: string, pattern: string): Promise<string[]> {
  const paths = pattern.includes('*') ? await Array.fromAsync(glob(pattern, { cwd: root })) : [pattern]
  return paths.map((path) => join(root, path))
}

async function readMatches(root: string, pattern: string, found: Found): Promise<void> {
  for await (const path of glob(pattern, { cwd: root })) {
    const entry = await lstat(join(root, path)).catch(() => null)
    // An entry that disappears while it is read counts as absent.
    const text = entry?.isFile() ? await readFile(join(root, path), 'utf8').catch(() => null) : entry && ''
    if (text !== null) found.set(path, text.replaceAll('\0', ''))
  }
}

/** Linux's device numbers are split as in makedev(3). */
async function identityOf(path: string): Promise<string | undefined> {
  const entry = await stat(path, { bigint: true }).catch(() => null)
  if (entry?.isFile()) return `file ${entry.dev}:${entry.ino}`
  if (!entry?.isBlockDevice()) return undefined
  const major = ((entry.rdev >> 32n) & 0xfffff000n) | ((entry.rdev >> 8n) & 0xfffn)
  const minor = ((entry.rdev >> 12n) & 0xffffff00n) | (entry.rdev & 0xffn)
  return `block ${major.toString(16)}:${minor.toString(16)}`
}
