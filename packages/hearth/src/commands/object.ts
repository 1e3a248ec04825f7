import { errorTable } from '@hearth/core'
import { type DeviceRequest, leaveRequest, readDeviceStates, recordsOf } from '@hearth/swift'
import { Command } from 'commander'
import type { Config } from '../config-types.ts'
import { renderTable } from '../table.ts'
import { configOf } from './config-option.ts'

const errors = errorTable({
  UnknownDevice: [404, 'there is no device {device}; known are {known}'],
})

/** Returns the command `hearth object`. */
export function objectCommand(): Command {
  return new Command('object')
    .description('Looks after the devices of the object store on this host')
    .addCommand(devicesCommand())
    .addCommand(
      requestCommand(
        'accept',
        'Takes the disk that is in the place of a device now for it, and fills it from its peers',
      ),
    )
    .addCommand(requestCommand('rebuild', 'Puts the index of a device aside, and fills the device from its peers'))
}

function devicesCommand(): Command {
  return new Command('devices')
    .description('Lists the devices of this host; exit code 1 when one is out of service')
    .option('--json', 'print JSON')
    .action(async (options: { json?: boolean }, command: Command) => {
      const states = await readDeviceStates(recordsOf(configOf(command).dataFolder))
      process.exitCode = states.every(({ reason }) => reason === null) ? 0 : 1
      const rows = states.map(({ id, folder, state, reason }) => [id, folder, state, reason ?? ''])
      const table = renderTable(['device', 'folder', 'state', 'reason'], rows)
      process.stdout.write(`${options.json ? JSON.stringify(states, null, 2) : table}\n`)
    })
}

function requestCommand(request: DeviceRequest, description: string): Command {
  return new Command(request)
    .description(description)
    .argument('<device>', 'its name: sd1 for the first of object.devices, sd2 for the second')
    .action(async (device: string, _options: object, command: Command) => {
      const config = configOf(command)
      if (!deviceNames(config).includes(device))
        throw errors.UnknownDevice({ device, known: deviceNames(config).join(', ') })
      await leaveRequest(recordsOf(config.dataFolder), device, request)
      process.stdout.write(`Asked for. The process that has ${device} does it within seconds, or at its next start.\n`)
    })
}

const deviceNames = ({ object }: Config): string[] =>
  (object.devices ?? [1, 2, 3]).map((_device, index) => `sd${index + 1}`)
