import { expect, test } from 'vitest'
import { checkRequest } from './request.ts'

const request = { name: 'volume-1', path: '/dev/null', sizeBytes: 2 ** 30, blockSize: 512, chap: null }

test.each(['iqn.1993-08.org.debian:01:abc', 'eui.02004567A425678D', 'naa.52004567BA64678D'])(
  '%s is taken as an initiator',
  (initiator) => {
    expect(() => checkRequest({ ...request, initiators: [initiator] })).not.toThrow()
  },
)

test.each(['..', '.', 'iqn', 'iqn.', 'iqn./../x', 'host-1', `iqn.${'a'.repeat(220)}`, 'iqn.a\n', 'iqn.a,b'])(
  '%j is refused as an initiator, with the rule',
  (initiator) => {
    expect(() => checkRequest({ ...request, initiators: [initiator] })).toThrow(/begins with iqn\., eui\. or naa\./)
  },
)
