import { join } from 'node:path'
import { execa } from 'execa'
import { expect, test } from 'vitest'

const check = `import { checkHost } from ${JSON.stringify(join(import.meta.dirname, 'check-host.ts'))}; await checkHost()`
const modules = '/usr/lib/x86_64-linux-gnu/qemu'

test('a host that lacks the iSCSI module of qemu is told which packages to install', async () => {
  // A mount namespace of its own hides the modules from this command only.
  const hidden = ['--mount', 'sh', '-c', `mount -t tmpfs none ${modules} && exec "$@"`, 'sh']
  const { exitCode, stderr } = await execa('unshare', [...hidden, process.execPath, '-e', check], { reject: false })
  expect(exitCode).not.toBe(0)
  expect(stderr).toContain('apt-get install --no-install-recommends qemu-utils qemu-block-extra')
})

test('a host that has it passes', async () => {
  expect((await execa(process.execPath, ['-e', check])).exitCode).toBe(0)
})
