import type { Query } from '@hearth/database'
import { storedBytes } from '../images/store.ts'

interface Usage {
  activeBytes: number
  stagedBytes: number
  count: number
  uploading: number
}

/** Usage of one owner. */
export async function usageOf(query: Query, owner: string | null): Promise<Usage> {
  const mine = () => query('images').where({ owner }).whereNull('deleted_at')
  const busy = ['saving', 'uploading', 'importing']
  const [staged] = await mine().where('status', 'uploading').sum('size as bytes')
  const [count] = await mine().count('* as n')
  const [uploading] = await mine().whereIn('status', busy).count('* as n')
  return {
    activeBytes: await storedBytes(query, owner),
    stagedBytes: Number((staged as { bytes?: unknown } | undefined)?.bytes ?? 0),
    count: Number((count as { n?: unknown } | undefined)?.n ?? 0),
    uploading: Number((uploading as { n?: unknown } | undefined)?.n ?? 0),
  }
}
