/** Limits on what clients send, published in /info. Sizes in bytes. */
export interface Limits {
  max_file_size: number
  max_meta_name_length: number
  max_meta_value_length: number
  max_meta_count: number
  max_meta_overall_size: number
  max_header_size: number
  max_object_name_length: number
  container_listing_limit: number
  account_listing_limit: number
  max_account_name_length: number
  max_container_name_length: number
  extra_header_count: number
}

/** Swift's defaults. */
export const defaultLimits: Limits = {
  max_file_size: 5368709122,
  max_meta_name_length: 128,
  max_meta_value_length: 256,
  max_meta_count: 90,
  max_meta_overall_size: 4096,
  max_header_size: 8192,
  max_object_name_length: 1024,
  container_listing_limit: 10000,
  account_listing_limit: 10000,
  max_account_name_length: 256,
  max_container_name_length: 256,
  extra_header_count: 0,
}

/** Headers a request may have: those of metadata, and as many others as Swift's constraints.py allows. */
export const mostHeaders = (limits: Limits): number => limits.max_meta_count + 36 + limits.extra_header_count
