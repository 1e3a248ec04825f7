import { type LabVm, startLabVm } from '../lab/vm.ts'

export type Filesystem = 'xfs' | 'ext4' | 'small'

/** A lab machine that is both NFS server and client, over its loopback. */
export interface NfsServer {
  vm: LabVm
  /** `127.0.0.1:/srv/…` of a fresh folder of one of the filesystems, exported. */
  newShare(filesystem: Filesystem, as?: { mode?: 'rw' | 'ro'; host?: string }): Promise<string>
  /** Exports a share's folder again, in another mode. */
  exportAgain(share: string, mode: 'rw' | 'ro'): Promise<void>
  /** A folder of the machine that shares can be mounted below. */
  newMountBase(): string
  close(): Promise<void>
}

const setUp = `set -e
mkdir -p /srv/xfs /srv/ext4 /srv/small
mkfs.xfs -q -f -m reflink=1 /dev/vdb; mount /dev/vdb /srv/xfs
mkfs.ext4 -q -F -E lazy_itable_init=1,lazy_journal_init=1 /dev/vdc; mount /dev/vdc /srv/ext4
truncate -s 64M /srv/small.image; mkfs.ext4 -q -F -m 0 /srv/small.image; mount -o loop /srv/small.image /srv/small
rpcbind -w
rpc.nfsd -G 10 -L 10 8
echo Y > /proc/fs/nfsd/v4_end_grace
rpc.mountd
`

/** Its filesystems: XFS, which can share blocks; ext4, which cannot; a small one that can be filled. */
export async function startNfsServer(): Promise<NfsServer> {
  // The disks of the saved booted state: others would have it boot from the beginning.
  const vm = await startLabVm()
  let serial = 0
  try {
    await vm.run(setUp)
  } catch (error) {
    await vm.close()
    throw error
  }
  const exportFolder = async (share: string, mode: string) => {
    const [host, folder] = share.split(':') as [string, string]
    const id = folder.slice(folder.lastIndexOf('-') + 1)
    const all = `${mode},no_root_squash,insecure,no_subtree_check,fsid=${100 + Number(id)}`
    await vm.run(`mkdir -p ${folder} && exportfs -o ${all} ${host}:${folder}`)
  }
  return {
    vm,
    async newShare(filesystem, { mode = 'rw', host = '127.0.0.1' } = {}) {
      serial += 1
      const share = `${host}:/srv/${filesystem}/share-${serial}`
      await exportFolder(share, mode)
      return share
    },
    exportAgain: exportFolder,
    newMountBase() {
      serial += 1
      return `/var/lib/shares-${serial}`
    },
    close: () => vm.close(),
  }
}
