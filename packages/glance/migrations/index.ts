import type { Migration } from '@hearth/database'
import { imagesMigration } from './0001-images.ts'

export const migrations: Migration[] = [imagesMigration]
