import { pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { type Extract, extract } from 'tar-stream'

/** A regular file of an archive. The unread rest of its body is skipped when the next file is read. */
export interface ArchiveFile {
  path: string
  size: number
  /** Content type and metadata that `tar --xattrs` recorded. */
  attributes: ReadonlyMap<string, string>
  body: AsyncIterable<Buffer>
}

/** The bytes are no tar archive, or none that is read here. */
export class ArchiveError extends Error {
  override readonly name = 'ArchiveError'
}

/** The longest pax header or GNU long name, bytes. Metadata of an object is at most 4096, its name 1024. */
const mostHeaderBytes = 64 * 1024
/** The most records of global pax headers. */
const mostGlobals = 100

/**
 * Reads the regular files of a tar stream with back-pressure: ustar, pax and GNU headers. Throws ArchiveError for
 * invalid archives and for oversized headers; passes on an error of the source.
 */
export async function* readArchive(source: AsyncIterable<Buffer>, gzipped: boolean): AsyncGenerator<ArchiveFile> {
  // Python's tarfile, with which Swift reads, takes archives from before ustar; the type does not know the option.
  const parser = extract({ allowUnknownFormat: true } as Parameters<typeof extract>[0])
  const feeding: Feeding = { failure: null }
  const failed = (error: unknown) => feeding.failure ?? new ArchiveError((error as Error).message)
  void feed(parser, gzipped ? unzip(source) : source, feeding)
  try {
    for await (const entry of parser) {
      const { name, size = 0, type, pax } = entry.header
      // It has no body, whatever size it claims: tar-stream would wait for one for ever.
      if (type === 'directory') continue
      const pieces = (entry as AsyncIterable<Buffer>)[Symbol.asyncIterator]()
      const next = () => pieces.next().catch((error: unknown) => Promise.reject(failed(error)))
      const body = { [Symbol.asyncIterator]: () => ({ next }) }
      if (type === 'file' || type === 'contiguous-file')
        yield { path: name, size, attributes: new Map(Object.entries(pax ?? {})), body }
      while (!(await next()).done) {
        // What was not read is skipped.
      }
    }
  } catch (error) {
    throw failed(error)
  } finally {
    parser.destroy()
  }
}

interface Feeding {
  /** The error of the source that ended the archive early. */
  failure: Error | null
}

/** Writes the source into the parser. Never throws: an error destroys the parser. */
async function feed(parser: Extract, source: AsyncIterable<Buffer>, feeding: Feeding): Promise<void> {
  try {
    for await (const chunk of source) {
      if (parser.destroying) return
      if (!parser.write(chunk)) await writable(parser)
      checkHeaders(parser)
    }
    parser.end(undefined)
  } catch (error) {
    feeding.failure = isDamage(error) ? new ArchiveError(error.message) : (error as Error)
    parser.destroy(feeding.failure)
  }
}

/** Whether zlib says that the bytes are no gzip stream, or a cut one. */
const isDamage = (error: unknown): error is Error => ((error as NodeJS.ErrnoException).code ?? '').startsWith('Z_')

function unzip(source: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  // Errors of the source destroy the stream that is read, which is where they are met.
  return pipeline(Readable.from(source), createGunzip(), () => undefined)
}

function writable(parser: Extract): Promise<void> {
  return new Promise((resolve) => {
    if (parser.destroyed) resolve()
    const go = () => {
      parser.off('drain', go)
      parser.off('close', go)
      resolve()
    }
    parser.on('drain', go)
    parser.on('close', go)
  })
}

/**
 * Throws ArchiveError for headers that cost too much: tar-stream accepts 4 MiB, and copies global headers for each
 * file. Uses private members of tar-stream; a test fails should they be renamed.
 */
function checkHeaders(parser: Extract): void {
  const { _longHeader, _missing, _paxGlobal } = parser as unknown as {
    _longHeader: boolean
    _missing: number
    _paxGlobal: object | null
  }
  if (_longHeader && _missing > mostHeaderBytes)
    throw new ArchiveError(`a header is longer than ${mostHeaderBytes} bytes`)
  if (_paxGlobal !== null && Object.keys(_paxGlobal).length > mostGlobals)
    throw new ArchiveError(`more than ${mostGlobals} global headers`)
}
