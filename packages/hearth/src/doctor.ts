import { execFileSync } from 'node:child_process'
import { constants, copyFileSync, existsSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** One thing this host can or cannot do. */
export interface Finding {
  name: string
  ok: boolean
  /** Result of the examination. */
  found: string
  /** Consequence if it is missing. */
  without: string
  /** How to get it. */
  remedy: string
  /** True if the configuration needs it: without it a part of the suite is down. */
  needed?: boolean
}

const programs = [
  ['qemu-img', 'qemu-utils', 'images cannot be converted: volumes from qcow2, vmdk, vhd … images fail'],
  ['tgtd', 'tgt', 'volumes cannot be exported over iSCSI from user space'],
  ['mkfs.xfs', 'xfsprogs', 'clones are copies where the data folder has no reflink'],
] as const

/**
 * Checks this host for everything that the suite needs, and returns a remedy for each missing part. The data folder
 * must exist.
 */
export function examineHost(dataFolder: string): Finding[] {
  return [
    root(),
    reflink(dataFolder),
    ...programs.map(([program, debian, without]) => tool(program, debian, without)),
    kernelTarget(),
    deviceMapper(),
    nfs(),
    ceph(),
    space(dataFolder),
  ]
}

const isRoot = (): boolean => process.getuid?.() === 0

function root(): Finding {
  return {
    name: 'root',
    ok: isRoot(),
    found: isRoot() ? 'running as root' : `running as user ${process.getuid?.()}`,
    without: 'no loop-mounted XFS and no kernel iSCSI target',
    remedy: 'run as root, or put the data folder on XFS (reflink=1) or btrfs',
  }
}

function reflink(dataFolder: string): Finding {
  const loopImage = existsSync(join(dataFolder, 'volumes.xfs'))
  const ok = clones(dataFolder)
  return {
    name: 'reflink',
    ok: ok || loopImage || isRoot(),
    found: ok
      ? `the filesystem of ${dataFolder} clones files`
      : `the filesystem of ${dataFolder} does not clone files${loopImage || isRoot() ? '; a loop-mounted XFS serves volumes' : ''}`,
    without: 'snapshots and clones of volumes are copies',
    remedy: 'put the data folder on XFS (mkfs.xfs -m reflink=1) or btrfs, or run as root',
  }
}

function clones(folder: string): boolean {
  const scratch = mkdtempSync(join(folder, '.doctor-'))
  try {
    writeFileSync(join(scratch, 'a'), Buffer.alloc(4096, 1))
    copyFileSync(join(scratch, 'a'), join(scratch, 'b'), constants.COPYFILE_FICLONE_FORCE)
    return true
  } catch {
    return false
  } finally {
    rmSync(scratch, { recursive: true })
  }
}

/** Path of a program; null when it is not installed. Debian keeps some outside of users' PATH. */
function findProgram(program: string): string | null {
  const folders = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/local/sbin', '/usr/sbin', '/sbin']
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path)) ?? null
}

function tool(program: string, debian: string, without: string): Finding {
  const path = findProgram(program)
  return {
    name: program,
    ok: path !== null,
    found: path ?? 'not installed',
    without,
    remedy: `apt-get install ${debian}`,
  }
}

function kernelTarget(): Finding {
  const ok = existsSync('/sys/kernel/config/target')
  return {
    name: 'LIO',
    ok,
    found: ok ? 'the kernel iSCSI target is loaded' : 'no kernel iSCSI target; tgtd serves in user space',
    without: 'exports run in user space (tgtd)',
    remedy: 'modprobe target_core_mod iscsi_target_mod && mount -t configfs none /sys/kernel/config',
  }
}

function deviceMapper(): Finding {
  const ok = existsSync('/dev/mapper/control') && findProgram('lvs') !== null
  return {
    name: 'device-mapper',
    ok,
    found: ok ? 'device-mapper and lvm2 are there' : 'no device-mapper or no lvm2',
    without: 'no LVM backend on this host',
    remedy: 'apt-get install lvm2 && modprobe dm_mod dm_thin_pool',
  }
}

function nfs(): Finding {
  const ok = findProgram('mount.nfs') !== null
  return {
    name: 'NFS',
    ok,
    found: ok ? 'mount.nfs is there' : 'no NFS client',
    without: 'no NFS backend on this host',
    remedy: 'apt-get install nfs-common',
  }
}

function ceph(): Finding {
  const libraries = sharedLibraries()
  const ok = libraries.includes('librados.so.2') && libraries.includes('librbd.so.1')
  return {
    name: 'Ceph libraries',
    ok,
    found: ok ? 'librados and librbd are there' : 'no librados or no librbd',
    without: 'no RBD backend on this host',
    remedy: 'apt-get install librados2 librbd1',
  }
}

/** Libraries that the dynamic linker knows; empty without ldconfig. */
function sharedLibraries(): string {
  try {
    return execFileSync('/sbin/ldconfig', ['-p'], { encoding: 'utf8' })
  } catch {
    return ''
  }
}

function space(dataFolder: string): Finding {
  const { bavail, bsize } = statfsSync(dataFolder)
  const gib = Math.floor((bavail * bsize) / 2 ** 30)
  return {
    name: 'space',
    ok: gib >= 5,
    found: `${gib} GiB free in ${dataFolder}`,
    without: 'large images and volumes will be refused',
    remedy: 'free some space or set dataFolder to a larger disk',
  }
}
