import { expect, test } from 'vitest'
import { openOptions } from './initiator.ts'
import { bootPattern } from './pattern.ts'

const mib = 1024 ** 2

test.each([16, 64, 200])('a working set of %s MiB reads that much, with a small share of writes', (size) => {
  const pattern = bootPattern(size)
  expect(Math.abs(pattern.readBytes / mib - size)).toBeLessThan(1)
  expect(pattern.writtenBytes).toBeGreaterThan(0)
  expect(pattern.writtenBytes).toBeLessThan(pattern.readBytes / 5)
})

test('what the pattern touches lies together at the start of the volume', () => {
  const { operations, extent, readBytes, writtenBytes } = bootPattern(64)
  const touched = new Set<number>()
  for (const { offset, length } of operations)
    for (let sector = offset / 512; sector < (offset + length) / 512; sector++) touched.add(sector)
  expect(touched.size * 512).toBe(extent)
  expect(extent).toBeLessThanOrEqual(readBytes + writtenBytes)
})

test('a boot begins with the master boot record', () => {
  expect(bootPattern(64).operations[0]).toEqual({ kind: 'read', offset: 0, length: 512 })
})

test('the initiator logs in with what the connection says', () => {
  const connection = {
    driver_volume_type: 'iscsi',
    target_portal: '127.0.0.1:3260',
    target_iqn: 'iqn.2010-10.org.openstack:volume-1',
    target_lun: 1,
    auth_method: 'CHAP',
    auth_username: 'u',
    auth_password: 'a,b',
  }
  expect(openOptions(connection, '/etc/ceph/ceph.conf')).toBe(
    'driver=iscsi,transport=tcp,portal=127.0.0.1:3260,target=iqn.2010-10.org.openstack:volume-1,lun=1,' +
      'initiator-name=iqn.2010-10.org.openstack:bench,user=u,password=a,,b',
  )
})

test('an RBD volume is opened by the cluster’s configuration, as the user the connection names', () => {
  const connection = { driver_volume_type: 'rbd', name: 'volumes/volume-1', auth_username: 'cinder' }
  expect(openOptions(connection, '/a,b/ceph.conf')).toBe(
    'driver=rbd,pool=volumes,image=volume-1,user=cinder,conf=/a,,b/ceph.conf',
  )
})

test('a volume offered by neither iSCSI nor RBD is refused with the way out', () => {
  expect(() => openOptions({ driver_volume_type: 'nfs' }, '/etc/ceph/ceph.conf')).toThrow('use --no-io')
})
