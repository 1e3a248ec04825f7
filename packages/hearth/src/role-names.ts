import { errorTable } from '@hearth/core'

const errors = errorTable({
  UnknownRole: [400, 'there is no role {role}; known are {known}'],
})

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

/**
 * Returns the roles that a text names: `cinder,glance.api` → every role of cinder, and glance.api. Keeps unknown names,
 * to be refused later.
 */
export function expandRoles(text: string): string[] {
  const named = text.split(',').map((name) => name.trim())
  const roles = named.flatMap((name) => {
    const ofService = roleNames.filter((role) => role.startsWith(`${name}.`))
    return ofService.length > 0 ? ofService : [name]
  })
  return [...new Set(roles)]
}

/** The same roles. Throws UnknownRole. */
export function checkRoles(names: string[]): string[] {
  const stranger = names.find((name) => !roleNames.includes(name))
  if (stranger !== undefined) throw errors.UnknownRole({ role: stranger, known: roleNames.join(', ') })
  return names
}

const objectRoles = roleNames.filter((role) => role.startsWith('swift.'))

/**
 * Returns true if a process must listen for others that use its object devices: those of other hosts, or of roles it
 * does not run.
 */
export function hasStorageListener({ object }: { object: { rings: string | null } }, roles: string[]): boolean {
  return roles.includes('swift.storage') && (object.rings !== null || objectRoles.some((role) => !roles.includes(role)))
}
