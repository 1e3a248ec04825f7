/** Minor versions announced; each names features, none changes the meaning of a request. 2.15 on: stores in detail. */
const plain = [17, 15, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
/**
 * Clients look for these before they use the operations of the cache: 2.14 list and delete, 2.16 clear, 2.18 clean and
 * prune.
 */
const withCache = [18, 16, 14]

/** The document of GET / (300) and GET /versions (200), by glance/api/versions.py; `cache`: the image cache is on. */
export function versionsDocument(baseUrl: string, cache: boolean): object {
  const minors = cache ? [...plain, ...withCache].sort((a, b) => b - a) : plain
  return {
    versions: minors.map((minor, index) => ({
      id: `v2.${minor}`,
      status: index === 0 ? 'CURRENT' : 'SUPPORTED',
      links: [{ rel: 'self', href: `${baseUrl}/v2/` }],
    })),
  }
}
