/** Every role in the order of starting, and what it does. Apart from their code, which is slow to load. */
export const roleSummaries: Record<string, string> = {
  'keystone.api': 'identity: tokens, users, projects, catalog',
  'swift.storage': 'objects: the devices of this host',
  'swift.proxy': 'objects: what clients speak to',
  'swift.keepers': 'objects: expiry, repair, listings that wait',
  'glance.api': 'images',
  'cinder.api': 'block storage: what clients speak to',
  'cinder.scheduler': 'block storage: chooses backends',
  'cinder.volume': 'block storage: makes and exports volumes on this host',
  'cinder.backup': 'block storage: backs up and restores volumes of this host',
}

export const roleNames = Object.keys(roleSummaries)
