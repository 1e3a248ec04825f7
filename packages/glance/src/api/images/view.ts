import { type Context, isoSeconds } from '@hearth/core'
import type { Settings } from '../../data/settings.ts'
import { type Image, policyTarget } from '../../model/images/image.ts'

/** Properties that are for ourselves. */
const hidden = new Set(['os_glance_stage_host', 'os_glance_hash_op_host'])

/** An image as clients see it: flat, custom properties beside the rest. */
export function viewImage(image: Image, context: Context, settings: Settings): Record<string, unknown> {
  const view: Record<string, unknown> = {
    ...Object.fromEntries([...image.properties].filter(([name]) => !hidden.has(name))),
    id: image.id,
    name: image.name,
    status: image.status,
    visibility: image.visibility,
    protected: image.protected,
    os_hidden: image.hidden,
    checksum: image.checksum,
    os_hash_algo: image.hashAlgorithm,
    os_hash_value: image.hashValue,
    owner: image.owner,
    size: image.size,
    virtual_size: image.virtualSize,
    container_format: image.containerFormat,
    disk_format: image.diskFormat,
    min_ram: image.minRam,
    min_disk: image.minDisk,
    tags: image.tags,
    created_at: isoSeconds(image.createdAt),
    updated_at: isoSeconds(image.updatedAt),
    self: `/v2/images/${image.id}`,
    file: `/v2/images/${image.id}/file`,
    schema: '/v2/schemas/image',
  }
  const stores = image.locations.map((location) => location.store).filter((store) => store !== null)
  if (stores.length > 0) view.stores = stores.sort().join(',')
  Object.assign(view, viewLocations(image, context, settings))
  return view
}

function viewLocations(image: Image, context: Context, settings: Settings): Record<string, unknown> {
  if (!settings.showMultipleLocations && !settings.showImageDirectUrl) return {}
  if (!context.may('get_image_location', policyTarget(image))) return {}
  const first = image.locations[0]
  return {
    ...(settings.showImageDirectUrl && first ? { direct_url: first.url } : {}),
    ...(settings.showMultipleLocations
      ? {
          locations: image.locations.map(({ url, store, metadata }) => ({
            url,
            metadata: { ...metadata, ...(store ? { store } : {}) },
          })),
        }
      : {}),
  }
}
