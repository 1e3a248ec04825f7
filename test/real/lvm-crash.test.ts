import { crashContract } from '@hearth/driver/contract'
import { afterAll } from 'vitest'
import { beside } from './beside.ts'
import { startLvmLab } from './lvm-lab.ts'

const { vm } = await startLvmLab({ thin: { four: [3000] }, thick: { eight: [7500] } })
afterAll(() => vm.close())

const lvm = { package: '@hearth/driver-lvm', ssh: async () => vm.ssh, timeoutMs: 900_000 }

beside('thin', () =>
  crashContract({
    ...lvm,
    name: 'lvm, thin',
    options: async () => ({ volumeGroup: 'thin' }),
    kills: 3,
    methods: ['clone', 'revert', 'delete'],
  }),
)

beside('thick', () =>
  crashContract({
    ...lvm,
    name: 'lvm, thick',
    // Looking for zeros costs the emulated processor more than writing them.
    options: async () => ({ volumeGroup: 'thick', type: 'thick', copies: 'whole' }),
    kills: 2,
    methods: ['createFromSnapshot', 'revert'],
  }),
)
