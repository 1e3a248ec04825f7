import type { Migration } from '@hearth/database'
import { imagesMigration } from './0001-images.ts'
import { tasksMigration } from './0002-tasks.ts'
import { metadefsMigration } from './0003-metadefs.ts'

export const migrations: Migration[] = [imagesMigration, tasksMigration, metadefsMigration]
