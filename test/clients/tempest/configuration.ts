import type { Cloud } from './cloud.ts'

interface TempestSettings {
  folder: string
  images: [first: string, second: string]
  /** Where web-download finds an image. */
  imageUrl: string
  /** The image service keeps a cache on its host. */
  imageCache: boolean
}

/** tempest.conf for storage services alone: no compute, no network; what the services cannot do is switched off. */
export function tempestConf(cloud: Cloud, settings: TempestSettings): string {
  const { folder, images } = settings
  const sections: Record<string, Record<string, string | number | boolean>> = {
    DEFAULT: { log_dir: `${folder}/logs`, log_file: 'tempest.log', debug: true },
    oslo_concurrency: { lock_path: `${folder}/lock` },
    auth: {
      use_dynamic_credentials: true,
      create_isolated_networks: false,
      admin_username: cloud.username,
      admin_password: cloud.password,
      admin_project_name: cloud.project,
      admin_domain_name: 'Default',
      tempest_roles: 'member',
    },
    identity: { auth_version: 'v3', uri_v3: cloud.authUrl, region: cloud.region, v3_endpoint_type: 'publicURL' },
    'identity-feature-enabled': {
      api_v2: false,
      api_v2_admin: false,
      api_v3: true,
      project_tags: true,
      application_credentials: true,
      access_rules: true,
      immutable_user_source: false,
      domain_specific_drivers: false,
    },
    service_available: { nova: false, neutron: false, horizon: false, cinder: true, glance: true, swift: true },
    compute: { image_ref: images[0], image_ref_alt: images[1] },
    network: { project_network_cidr: '10.100.0.0/16' },
    validation: { run_validation: false },
    image: { http_image: settings.imageUrl, image_caching_enabled: settings.imageCache },
    'image-feature-enabled': { import_image: true, os_glance_reserved: true, manage_locations: true },
    volume: {
      catalog_type: 'block-storage',
      min_microversion: '3.0',
      max_microversion: 'latest',
      storage_protocol: 'iSCSI',
      vendor_name: 'Open Source',
      volume_size: 1,
      // How a driver is told which of its snapshots to adopt.
      manage_snapshot_ref: 'source-name,snapshot-%s',
      build_timeout: 120,
    },
    'volume-feature-enabled': {
      backup: true,
      snapshot: true,
      clone: true,
      manage_snapshot: true,
      manage_volume: true,
      multi_backend: false,
      extend_attached_volume: true,
      volume_revert: true,
      consistency_group: false,
    },
    'object-storage': {
      operator_role: 'member',
      reseller_admin_role: 'ResellerAdmin',
      realm_name: 'realm1',
      cluster_name: 'name1',
      container_sync_interval: 2,
      container_sync_timeout: 60,
    },
    'object-storage-feature-enabled': {
      discoverable_apis: 'all',
      container_sync: true,
      object_versioning: true,
      discoverability: true,
      tempurl_digest_hashlib: 'sha256',
    },
  }
  return Object.entries(sections)
    .flatMap(([name, values]) => [
      `[${name}]`,
      ...Object.entries(values).map(([key, value]) => `${key} = ${value}`),
      '',
    ])
    .join('\n')
}

/** Where stestr finds the tests; tests of one class stay in one worker. */
export const stestrConf = `[DEFAULT]
test_path=/usr/lib/python3/dist-packages/tempest/test_discover
top_dir=/usr/lib/python3/dist-packages
group_regex=([^\\.]*\\.)*
`
