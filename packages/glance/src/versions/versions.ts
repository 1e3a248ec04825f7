/** Minor versions announced; each names features, none changes the meaning of a request. 2.15 on: stores in detail. */
const minors = [17, 15, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]

/** The document of GET / (300) and GET /versions (200). */
export function versionsDocument(baseUrl: string): object {
  return {
    versions: minors.map((minor, index) => ({
      id: `v2.${minor}`,
      status: index === 0 ? 'CURRENT' : 'SUPPORTED',
      links: [{ rel: 'self', href: `${baseUrl}/v2/` }],
    })),
  }
}
