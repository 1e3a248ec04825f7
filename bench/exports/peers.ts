import type { LabVm } from '@hearth/test/lab/vm.ts'

/** Seconds by the clock of the virtual machine. */
interface Seconds {
  create: number
  remove: number
}

/** The rtslib calls that Cinder's LIO helper makes for one export. */
const rtslib = `
import sys, time, warnings
warnings.simplefilter('ignore')
from rtslib_fb import FabricModule, FileIOStorageObject, LUN, MappedLUN, NetworkPortal, NodeACL, RTSRoot, Target, TPG
device = sys.argv[2]
def create(i):
    store = FileIOStorageObject('volume-%d' % i, dev=device, size=64 << 20)
    tpg = TPG(Target(FabricModule('iscsi'), 'iqn.2010-10.org.openstack:volume-%d' % i), 1)
    tpg.set_attribute('authentication', '1')
    lun = LUN(tpg, 0, store)
    NetworkPortal(tpg, '10.0.2.15', 3260)
    acl = NodeACL(tpg, 'iqn.1993-08.org.debian:01:lab')
    acl.chap_userid = 'user%d' % i
    acl.chap_password = 'password-%d-long' % i
    MappedLUN(acl, 0, lun)
    tpg.enable = True
def remove(i):
    Target(FabricModule('iscsi'), 'iqn.2010-10.org.openstack:volume-%d' % i, mode='lookup').delete()
    for store in RTSRoot().storage_objects:
        if store.name == 'volume-%d' % i:
            store.delete()
            break
`

const oneProcess = `
count = int(sys.argv[1])
began = time.time()
for i in range(count): create(i)
made = time.time()
for i in range(count): remove(i)
print(made - began, time.time() - made)
`

/** Makes and removes `count` exports by rtslib in one Python process. Returns seconds, without the import of rtslib. */
export async function rtslibOnce(vm: LabVm, device: string, count: number): Promise<Seconds> {
  const output = await vm.run(`python3 - ${count} ${device}`, { input: rtslib + oneProcess, timeoutMs: 1_800_000 })
  const [create, remove] = output.trim().split(/\s+/).map(Number)
  return { create: create!, remove: remove! }
}

/** Makes and removes `samples` exports by rtslib, with a Python process for each step. Returns the seconds of all. */
export async function rtslibEach(vm: LabVm, device: string, samples: number): Promise<Seconds> {
  await vm.run('cat > /root/each.py', {
    input: `${rtslib}\n{'create': create, 'remove': remove}[sys.argv[3]](int(sys.argv[1]))\n`,
  })
  const command = (verb: string) => `python3 /root/each.py $i ${device} ${verb}`
  return timed(vm, samples, command('create'), command('remove'))
}

/** Makes and removes `samples` exports by targetcli, with a process for each command. Returns the seconds of all. */
export async function targetcliEach(vm: LabVm, device: string, samples: number): Promise<Seconds> {
  const target = '/iscsi/iqn.2010-10.org.openstack:volume-$i'
  const acl = 'iqn.1993-08.org.debian:01:lab'
  const create = [
    // targetcli refuses a file that another backstore uses.
    `truncate -s 64M ${device}-$i && targetcli /backstores/fileio create volume-$i ${device}-$i`,
    `targetcli /iscsi create iqn.2010-10.org.openstack:volume-$i`,
    `targetcli ${target}/tpg1/luns create /backstores/fileio/volume-$i`,
    `targetcli ${target}/tpg1/acls create ${acl}`,
    `targetcli ${target}/tpg1/acls/${acl} set auth userid=user$i password=password-$i-long`,
  ]
  const remove = [
    'targetcli /iscsi delete iqn.2010-10.org.openstack:volume-$i',
    'targetcli /backstores/fileio delete volume-$i',
  ]
  return timed(vm, samples, create.join(' && '), remove.join(' && '))
}

async function timed(vm: LabVm, samples: number, create: string, remove: string): Promise<Seconds> {
  const loop = (command: string) =>
    `for i in $(seq ${samples}); do { ${command}; } >/dev/null 2>/tmp/said || { cat /tmp/said >&2; exit 1; }; done`
  const now = 'cut -d " " -f 1 /proc/uptime'
  const script = `${now}; ${loop(create)}; ${now}; ${loop(remove)}; ${now}`
  const output = await vm.run(script, { timeoutMs: 1_800_000 })
  const [began, made, removed] = output.trim().split('\n').map(Number)
  return { create: made! - began!, remove: removed! - made! }
}
