export { type BackupContract, backupContract } from './backup.ts'
export { type ByteProbe, type Expectation, openProbe } from './bytes.ts'
export {
  type ConnectorAbilities,
  type ConnectorContract,
  connectorContract,
  type OfferedVolume,
} from './connector.ts'
export { type CrashContract, crashContract } from './crash.ts'
export { type ExportContract, exportContract } from './export.ts'
export { type ImageContract, imageContract } from './image.ts'
export { volumeContract } from './volume.ts'
export type { VolumeAbilities, VolumeContract } from './volume-kit.ts'
