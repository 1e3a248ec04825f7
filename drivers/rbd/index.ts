import type { DriverPlugin } from '@hearth/driver'
import { imageOptions, openRbdImage } from './image.ts'
import { openRbdVolume } from './volume.ts'
import { volumeOptions } from './volume-options.ts'

const plugin: DriverPlugin = {
  contract: 1,
  options: { volume: volumeOptions, image: imageOptions },
  roles: { volume: openRbdVolume, image: openRbdImage },
}

export default plugin
