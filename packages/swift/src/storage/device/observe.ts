import { Gauge, type Registry } from '@hearth/core'
import type { Device } from './device.ts'

const deviceStates = ['online', 'filling', 'offline', 'damaged'] as const

/** Shows the state of each device of this process: 1 for the one it is in, 0 for all others. */
export function observeDevices(metrics: Registry, devices: Map<string, Device>): void {
  new Gauge({
    name: 'hearth_object_device_state',
    help: 'State of a device of the object store: 1 for the one it is in',
    labelNames: ['device', 'state'],
    registers: [metrics],
    collect() {
      for (const device of devices.values())
        for (const state of deviceStates) this.set({ device: device.id, state }, device.state().state === state ? 1 : 0)
    },
  })
}
