export { type BackupContract, backupContract } from './backup.ts'
export { type ExportContract, exportContract } from './export.ts'
export { type ImageContract, imageContract } from './image.ts'
export { type VolumeAbilities, type VolumeContract, volumeContract } from './volume.ts'
