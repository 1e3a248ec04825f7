import { type Certificate, type Logger, openCertificate } from '@hearth/core'
import type { Config, Part } from './config-types.ts'
import { once } from './once.ts'
import { certificateFiles } from './tls-config.ts'

/** The certificate a place listens with; undefined for plain HTTP. */
export type Certificates = (place: Part | 'storage') => Certificate | undefined

/** Opens certificates when first asked for. Their files are read again when they change, and on SIGHUP. */
export function openCertificates(
  config: Config,
  log: Logger,
  onClose: (step: () => Promise<unknown>) => void,
): Certificates {
  return once((place: Part | 'storage') => {
    const files = certificateFiles(config, place)
    if (!files) return undefined
    // Hosts of the storage plane verify each other; clients of the APIs show tokens.
    const clientAuthority = place === 'storage' ? (config.tls.authority ?? undefined) : undefined
    const certificate = openCertificate({ ...files, clientAuthority, log })
    process.on('SIGHUP', certificate.reload)
    onClose(async () => {
      process.off('SIGHUP', certificate.reload)
      certificate.close()
    })
    return certificate
  })
}
