import { expect, test } from 'vitest'
import { iscsiConnection } from './iscsi.ts'

const iqn = 'iqn.2010-10.org.openstack:volume-1'
const one = { portals: ['10.0.0.1:3260'], iqn, lun: 1, chap: { username: 'u', password: 'p' } }

test('a target with one portal gives the keys os-brick reads for one path', () => {
  expect(iscsiConnection(one, { volumeId: '1', multipath: false })).toEqual({
    driver_volume_type: 'iscsi',
    data: {
      target_discovered: false,
      target_portal: '10.0.0.1:3260',
      target_iqn: iqn,
      target_lun: 1,
      volume_id: '1',
      auth_method: 'CHAP',
      auth_username: 'u',
      auth_password: 'p',
    },
  })
})

test('several portals, or an initiator with multipath, give the plural keys', () => {
  expect(iscsiConnection(one, { volumeId: '1', multipath: true }).data).toMatchObject({
    target_portals: ['10.0.0.1:3260'],
    target_iqns: [iqn],
    target_luns: [1],
  })
  const two = { ...one, portals: ['10.0.0.1:3260', '10.0.1.1:3260'], chap: null }
  const { data } = iscsiConnection(two, { volumeId: '1', multipath: false })
  expect(data).toMatchObject({ target_portals: two.portals, target_iqns: [iqn, iqn], target_luns: [1, 1] })
  expect(data).not.toHaveProperty('auth_method')
})
