export type Operator = 'eq' | 'neq' | 'gt' | 'gte' | 'lt' | 'lte'

/** A listing as asked for, read and checked. */
export interface ListQuery {
  limit: number
  marker: string | null
  sort: { column: string; direction: 'asc' | 'desc' }[]
  /** `all`, one visibility, or null when not asked. */
  visibility: string | null
  memberStatus: string
  hidden: boolean
  equal: [column: string, value: string | boolean | number][]
  oneOf: [column: string, values: string[]][]
  times: [column: string, operator: Operator, ms: number][]
  sizeMin: number | null
  sizeMax: number | null
  tags: string[]
  properties: [name: string, value: string][]
}
