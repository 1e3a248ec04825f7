import { randomBytes } from 'node:crypto'
import {
  type ConnectionInfo,
  type ExportDriver,
  type ExportRequest,
  iscsiConnection,
  newChap,
  openDriver,
  openRunner,
  quietLog,
  type Runner,
} from '@hearth/driver'
import type { OfferedVolume } from '@hearth/driver/contract'
import { type LabVm, startLabVm } from '../lab/vm.ts'

export const iscsi = '@hearth/driver-iscsi'

/** A machine whose kernel offers volumes, to itself and, by forwarded ports, to this host. */
export interface IscsiLab {
  vm: LabVm
  run: Runner
  exporter: ExportDriver
  /** A sparse file of the machine, offered with credentials of its own. */
  offer(sizeBytes: number, more?: Partial<ExportRequest>): Promise<LabVolume>
  /** As an initiator of this host names it. */
  url(volume: LabVolume): string
  close(): Promise<void>
}

export interface LabVolume extends OfferedVolume {
  request: ExportRequest
  iqn: string
}

const portals = ['10.0.2.15:3260', '10.0.2.15:3261']

/** `multipath`: connections carry the keys of several paths, as for an initiator that asks for them. */
export async function startIscsiLab({ multipath = false } = {}): Promise<IscsiLab> {
  const vm = await startLabVm({ ports: [3260, 3261] })
  const run = openRunner({ log: quietLog, ssh: vm.ssh })
  const options = { target: 'lio', portals: multipath ? portals : portals.slice(0, 1) }
  const exporter = await openDriver('export', iscsi, options, { run, remote: true, log: quietLog })
  await vm.run('mkdir -p /srv/lab')
  await exporter.start()
  return {
    vm,
    run,
    exporter,
    async offer(sizeBytes, more = {}) {
      const name = `volume-${randomBytes(8).toString('hex')}`
      const path = `/srv/lab/${name}`
      const request: ExportRequest = { name, path, sizeBytes, blockSize: 512, chap: newChap(), ...more }
      await run(['truncate', '-s', String(sizeBytes), path])
      const exported = await exporter.create(request)
      return {
        request,
        iqn: exported.iqn,
        connection: iscsiConnection(exported, { volumeId: name, multipath }) as unknown as ConnectionInfo,
        address: { filename: path, format: 'raw' },
        run,
        async grow(bytes) {
          await run(['truncate', '-s', String(bytes), path])
          await exporter.resize!(name, bytes)
        },
        async remove() {
          await exporter.remove(name)
          await run(['rm', '-f', path])
        },
      }
    },
    url({ request: { chap }, iqn }) {
      return `iscsi://${chap?.username}%${chap?.password}@127.0.0.1:${vm.forwarded[3260]}/${iqn}/0`
    },
    close: () => vm.close(),
  }
}
