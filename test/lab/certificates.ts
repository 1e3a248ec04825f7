import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'

/** PEM files of a certificate and its key. */
export interface LabCertificate {
  certificate: string
  key: string
}

/** An authority of the lab, made by openssl. */
export interface LabAuthority {
  /** PEM file of its certificate. */
  file: string
  pem: string
  /** Signs a new certificate for these names, like `DNS:localhost` and `IP:127.0.0.1`; in files of that name. */
  issue(name: string, names?: string[]): Promise<LabCertificate>
}

const here = ['DNS:localhost', 'IP:127.0.0.1']
const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

/** Makes an authority whose files lie in `folder`. */
export async function makeAuthority(folder: string, name = 'authority'): Promise<LabAuthority> {
  const at = (file: string): string => join(folder, file)
  const openssl = (...argv: string[]): Promise<unknown> => execa('openssl', argv, { cwd: folder })
  const [file, key] = [at(`${name}.pem`), at(`${name}-key.pem`)]
  const extensions = ['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign']
  await openssl(
    'req',
    '-x509',
    ...newKey,
    '-keyout',
    key,
    '-out',
    file,
    '-days',
    '2',
    '-subj',
    `/CN=${name}`,
    ...extensions,
  )
  return {
    file,
    pem: readFileSync(file, 'utf8'),
    async issue(leaf, names = here) {
      const [certificate, own, request, alt] = [`${leaf}.pem`, `${leaf}-key.pem`, `${leaf}.csr`, `${leaf}.ext`].map(at)
      writeFileSync(alt!, `subjectAltName=${names.join(',')}\n`)
      await openssl('req', ...newKey, '-keyout', own!, '-out', request!, '-subj', `/CN=${leaf}`)
      const by = ['-CA', file, '-CAkey', key, '-CAcreateserial', '-days', '2']
      await openssl('x509', '-req', '-in', request!, ...by, '-out', certificate!, '-extfile', alt!)
      return { certificate: certificate!, key: own! }
    },
  }
}
