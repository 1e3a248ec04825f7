import { execa } from 'execa'

/** Nothing listens there: qemu-io fails, and how it fails shows whether it has its iSCSI module. */
const nowhere = 'iscsi://127.0.0.1:1/iqn.2010-10.org.openstack:none/0'
const install = 'apt-get install --no-install-recommends qemu-utils qemu-block-extra'

/** Throws an Error that names the packages when this host lacks what reading the volumes needs. */
export async function checkHost(): Promise<void> {
  const { stderr, code } = await execa('qemu-io', ['-r', '-c', 'quit', nowhere], { reject: false, timeout: 30_000 })
  if (code !== 'ENOENT' && !/module .* not found|unknown protocol/i.test(stderr ?? '')) return
  throw new Error(
    `This host cannot read volumes over iSCSI. As root, run:  ${install}\nOr leave that out with --no-io.`,
  )
}
