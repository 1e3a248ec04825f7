import { expect, test } from 'vitest'
import { readConnection } from './paths.ts'

const single = { target_portal: '10.0.0.1:3260', target_iqn: 'iqn.2010-10.org.openstack:volume-1', target_lun: 1 }
const iscsi = (data: Record<string, unknown>) => ({ driver_volume_type: 'iscsi', data })
const path = { portal: single.target_portal, iqn: single.target_iqn, lun: 1 }

test('a connection with single keys has one path, and the credentials it names', () => {
  expect(readConnection(iscsi(single))).toEqual({ paths: [path], chap: null })
  const chap = { auth_method: 'CHAP', auth_username: 'user', auth_password: 'password' }
  expect(readConnection(iscsi({ ...single, ...chap })).chap).toEqual({ username: 'user', password: 'password' })
})

test('plural keys are the paths where they are there', () => {
  const iqns = [single.target_iqn, single.target_iqn]
  const plural = { target_portals: ['10.0.0.1:3260', '[fd00::1]:3260'], target_iqns: iqns, target_luns: [1, 2] }
  const { paths } = readConnection(iscsi({ ...single, ...plural }))
  expect(paths).toEqual([path, { portal: '[fd00::1]:3260', iqn: single.target_iqn, lun: 2 }])
  const uneven = { ...plural, target_luns: [1] }
  expect(() => readConnection(iscsi({ ...single, ...uneven }))).toThrow('lists of one length')
})

test('a portal that is reached elsewhere is knocked at there', () => {
  const { paths } = readConnection(iscsi(single), { '10.0.0.1:3260': '127.0.0.1:13260' })
  expect(paths).toEqual([{ ...path, portal: '127.0.0.1:13260' }])
})

test('what is no address, name, number or credential is named, and a password never', () => {
  const wrong = (more: object) => () => readConnection(iscsi({ ...single, ...more }))
  expect(wrong({ target_portal: '10.0.0.1' })).toThrow('target_portal = "10.0.0.1"')
  expect(wrong({ target_iqn: 'iqn.2010-10.org:x/../y' })).toThrow('target_iqn')
  expect(wrong({ target_lun: '1' })).toThrow('target_lun = "1"')
  expect(wrong({ auth_method: 'SRP' })).toThrow('auth_method = "SRP"')
  const spaced = { auth_method: 'CHAP', auth_username: 'user', auth_password: 'secret\nnode.startup = automatic' }
  expect(wrong(spaced)).toThrow(/^auth_password is not/)
  expect(() => readConnection({ driver_volume_type: 'nfs', data: single })).toThrow('driver_volume_type = "nfs"')
})
