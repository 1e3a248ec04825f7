import { Command } from 'commander'
import { addBootStorm } from './boot-storm/command.ts'
import { addCopy } from './copy/command.ts'
import { addExports } from './exports/command.ts'
import { addLoad } from './load/command.ts'
import { addBesideReal } from './peers/command.ts'
import { addRbd } from './rbd/command.ts'

const program = new Command('bench')
  .description('Loads for any OpenStack: logs in with OS_* variables and speaks public APIs only.')
  .showHelpAfterError('(see --help)')
addBootStorm(program)
addLoad(program)
addCopy(program)
addExports(program)
addBesideReal(program)
addRbd(program)
try {
  await program.parseAsync()
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 1
}
