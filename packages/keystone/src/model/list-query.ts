export interface Filters {
  /** Column → value, for the WHERE clause. */
  exact: Record<string, string | boolean>
  /** Applies the inexact filters (`name__contains` and the like) to an item from the database. */
  matches(item: Record<string, unknown>): boolean
  /** True without inexact filters: the database can then select the page. */
  isExact: boolean
}

/** Page of a list: the items after the id `marker`, at most `limit`. */
export interface Page {
  marker?: string
  limit?: number
}
