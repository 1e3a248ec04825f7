import { errorTable } from '@hearth/core'

/** What can be wrong with a request about volume types; Cinder's messages. */
export const typeErrors = errorTable({
  VolumeTypeNotFound: [404, 'Volume type {volume_type_id} could not be found.'],
  VolumeTypeNotFoundByName: [404, 'Volume type with name {volume_type_name} could not be found.'],
  VolumeTypeExtraSpecsNotFound: [404, 'Volume Type {volume_type_id} has no extra specs with key {extra_specs_key}.'],
  VolumeTypeExists: [409, 'Volume Type {id} already exists.'],
  VolumeTypeInUse: [400, 'Target volume type is still in use.'],
  VolumeTypeDeletionError: [
    400,
    'The volume type {volume_type_id} is the only volume type left or a default type and cannot be deleted.',
  ],
  VolumeTypeAccessNotFound: [404, 'Volume type access not found for {volume_type_id} / {project_id} combination.'],
  VolumeTypeAccessExists: [409, 'Volume type access for {volume_type_id} / {project_id} combination already exists.'],
  VolumeTypeAccessPublic: [404, 'Access list not available for public volume types.'],
  VolumeTypeEncryptionExists: [400, 'Volume type encryption for type {type_id} already exists.'],
  VolumeTypeEncryptionNotFound: [404, 'Volume type encryption for type {type_id} does not exist.'],
  VolumeTypeEncryptionInUse: [400, 'Cannot {verb} encryption specs. Volume type in use.'],
  VolumeTypeDefaultMissing: [500, 'Volume type with name {volume_type_name} could not be found.'],
})
