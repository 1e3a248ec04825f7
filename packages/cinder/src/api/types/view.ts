import type { Context } from '@hearth/core'
import type { VolumeType } from '../../model/types/store.ts'

/** Extra specs that are no secret of the operator (upstream's USER_VISIBLE_EXTRA_SPECS). */
const visibleSpecs = ['RESKEY:availability_zones', 'multiattach', 'replication_enabled']

/**
 * Returns a volume type as the caller may see it. The reply schema of the route drops fields that its response does not
 * have.
 */
export function viewType(context: Context, type: VolumeType): Record<string, unknown> {
  const view: Record<string, unknown> = {
    id: type.id,
    name: type.name,
    is_public: type.isPublic,
    description: type.description,
    extra_specs: visibleExtraSpecs(context, type.extraSpecs),
    'os-volume-type-access:is_public': type.isPublic,
  }
  if (context.may('volume_extension:access_types_qos_specs_id')) view.qos_specs_id = type.qosSpecsId
  return view
}

/** All extra specs for administrators, the harmless ones for others. */
export function visibleExtraSpecs(context: Context, specs: Record<string, string>): Record<string, string> {
  if (context.may('volume_extension:types_extra_specs:read_sensitive')) return specs
  return Object.fromEntries(Object.entries(specs).filter(([key]) => visibleSpecs.includes(key)))
}
