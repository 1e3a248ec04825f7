import { type DriverDeps, DriverError, type ExportDriver } from '@hearth/driver'
import { hasLio, openLio } from './lio/target.ts'
import type { IscsiOptions } from './options.ts'
import { openTgt } from './tgt/target.ts'

/** Offers devices over iSCSI by the target server that the options name. */
export async function openIscsiExport(options: Record<string, unknown>, deps: DriverDeps): Promise<ExportDriver> {
  const checked = options as unknown as IscsiOptions
  const { target, runFolder } = checked
  if (target === 'lio' || (target === 'auto' && (await hasLio(deps)))) return openLio(checked, deps)
  if (runFolder === undefined)
    throw new DriverError('invalid', 'runFolder is missing: tgt keeps its control socket there')
  if (deps.remote) throw new DriverError('unsupported', 'tgt serves its own host only: for another, target = lio')
  return openTgt({ ...checked, runFolder }, deps)
}
