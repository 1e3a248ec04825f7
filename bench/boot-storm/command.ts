import { writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import { deleteImage, findImage, type Image, uploadRandomImage } from '../cloud/images.ts'
import { makeRoom } from '../cloud/quota.ts'
import { openSession, type Session } from '../cloud/session.ts'
import { cloudSettings, withCloudOptions } from '../cloud/settings.ts'
import { checkHost } from './check-host.ts'
import { bootPattern, type Pattern } from './pattern.ts'
import { openProgress } from './progress.ts'
import { reportOf } from './report.ts'
import { type Result, resultOf, tableOf } from './result.ts'
import { cleanUp, newMachines, type StormOptions, storm } from './run.ts'
import { positive } from './whole-number.ts'

interface Flags {
  count: number
  concurrency: number
  ioConcurrency: number
  workingSet: number
  image?: string
  imageSize: number
  volumeSize?: number
  volumeType?: string
  io: boolean
  cephConf: string
  overlap: boolean
  timeout: number
  poll: number
  json?: string
  report?: string
}

const about = `
Each of --count machines, all at once:
  create      POST of a volume from the image, until it is accepted
  available   until the volume is seen as available
  attach      attachment created, updated with a connector, completed
  login       iSCSI login with CHAP by libiscsi, or opening the RBD image by librbd, in qemu-io
  boot        a recorded boot replayed on the volume: reads, writes, flush
  detach      attachment deleted
  delete      volume deleted and seen to be gone
Times are of each stage by itself; "attached" and "booted" count from the storm's first request.

Only public APIs are used, with OS_AUTH_URL, OS_USERNAME, OS_PASSWORD, OS_PROJECT_NAME …, so the same command runs
against any OpenStack. Volumes offered over RBD are read by the cluster's --ceph-conf and the key it names; those
offered by neither iSCSI nor RBD need --no-io. Where only services may detach, give OS_SERVICE_USERNAME and
OS_SERVICE_PASSWORD as well.
Volumes and image are removed at the end, also after Ctrl-C. A quota that is too small is raised for the time of the
storm when the user may do that. Exit code: 0 when every machine got through, 1 when not.

Examples:
  eval "$(./hearth openrc --as admin)"
  npm run bench -- boot-storm --count 200 --concurrency 200 --report storm.html
  npm run bench -- boot-storm --image debian-12 --count 20 --no-io --json storm.json`

/** Adds the `boot-storm` command: many machines that boot at once from volumes of one image. */
export function addBootStorm(program: Command): void {
  const command = program
    .command('boot-storm')
    .summary('boot many machines at once from volumes of one image')
    .description('Boots many machines at once from volumes of one image and says how long each stage took.')
    .option('--count <machines>', 'machines', positive, 20)
    .option('--concurrency <machines>', 'machines that talk to the API at once', positive, 200)
    .option('--io-concurrency <machines>', 'machines that read and write at once', positive, 8)
    .option('--working-set <MiB>', 'how much each machine reads', positive, 64)
    .option('--image <id or name>', 'image to boot; without it a raw image of random bytes is uploaded')
    .option('--image-size <MiB>', 'size of the image that is uploaded', positive, 64)
    .option('--volume-size <GiB>', 'size of each volume; without it the smallest that holds the image', positive)
    .option('--volume-type <name>', 'type of the volumes')
    .option('--no-io', 'do not read the volumes: create, attach, detach and delete only')
    .option('--ceph-conf <file>', 'the cluster of volumes offered over RBD', '/etc/ceph/ceph.conf')
    .option('--overlap', 'boot each machine as soon as it is attached, not when all are', false)
    .option('--timeout <seconds>', 'limit for one response, one change of state, one boot', positive, 300)
    .option('--poll <seconds>', 'pause between two reads of the states of the volumes', Number, 0.1)
    .option('--json <file>', 'write the result as JSON')
    .option('--report <file>', 'write a page with plots, complete in itself')
    .addHelpText('after', about)
  withCloudOptions(command).action(async (flags: Flags & Record<string, unknown>) => {
    process.exitCode = (await run(flags)) ? 0 : 1
  })
}

async function run(flags: Flags & Record<string, unknown>): Promise<boolean> {
  const settings = cloudSettings(flags)
  const pattern = flags.io ? bootPattern(flags.workingSet) : null
  if (flags.io) await checkHost()
  const session = await openSession(settings, { connections: flags.concurrency + 8, timeoutSeconds: flags.timeout })
  const abort = new AbortController()
  const ignore = onInterrupt(abort)
  try {
    const { options, release } = await prepare(session, flags, pattern)
    try {
      return await measure(session, options, flags, abort.signal)
    } finally {
      await release()
    }
  } finally {
    await session.close()
    ignore()
  }
}

/** Raises the quota and uploads the image where needed. Returns the storm's options; `release` undoes both. */
async function prepare(
  session: Session,
  flags: Flags,
  pattern: Pattern | null,
): Promise<{ options: StormOptions; release(): Promise<void> }> {
  const prefix = `boot-storm-${process.pid}-${Date.now().toString(36)}`
  const given = flags.image === undefined ? null : await findImage(session, flags.image)
  const needed = Math.max(given?.minDiskGiB ?? Math.ceil(flags.imageSize / 1024), sizeFor(pattern))
  const sizeGiB = flags.volumeSize ?? needed
  if (sizeGiB < needed) throw new Error(`--volume-size ${sizeGiB}: the image and the working set need ${needed} GiB`)
  const room = await makeRoom(session, flags.count, sizeGiB)
  let own: Image | null = null
  try {
    if (!given) {
      process.stderr.write(`uploading an image of ${flags.imageSize} MiB\n`)
      own = await uploadRandomImage(session, prefix, flags.imageSize)
    }
  } catch (error) {
    await room.restore()
    throw error
  }
  const volume = { sizeGiB, imageId: (given ?? own)!.id, volumeType: flags.volumeType ?? null }
  return {
    options: {
      prefix,
      count: flags.count,
      concurrency: flags.concurrency,
      ioConcurrency: Math.min(flags.ioConcurrency, flags.count),
      overlap: flags.overlap,
      pattern,
      cephConf: flags.cephConf,
      volume,
      timeoutSeconds: flags.timeout,
      pollSeconds: flags.poll,
    },
    async release() {
      if (own) await deleteImage(session, own.id).catch((error: Error) => process.stderr.write(`${error.message}\n`))
      await room.restore()
    },
  }
}

const sizeFor = (pattern: Pattern | null): number => Math.ceil((pattern?.extent ?? 1) / 1024 ** 3)

async function measure(session: Session, options: StormOptions, flags: Flags, signal: AbortSignal): Promise<boolean> {
  const machines = newMachines(options)
  const began = performance.now()
  const elapsed = (): number => (performance.now() - began) / 1000
  const progress = openProgress(() => machines, elapsed, process.stderr)
  try {
    const wall = await storm(session, machines, options, progress, signal)
    const result = resultOf(machines, wall)
    progress.stop()
    process.stdout.write(`${tableOf(result)}\n`)
    save(flags, result, () => reportOf(result, machines, options))
    return result.failed === 0
  } finally {
    progress.stop()
    const left = await cleanUp(session, machines, options)
    for (const line of left) process.stderr.write(`not cleaned up: ${line}\n`)
  }
}

/** The first Ctrl-C ends the storm and cleans up; the second leaves everything as it is. */
function onInterrupt(abort: AbortController): () => void {
  let first = 0
  const interrupt = (): void => {
    // npm and timeout forward a signal that the terminal has also sent to this process.
    if (abort.signal.aborted && performance.now() - first < 1000) return
    if (abort.signal.aborted) process.exit(130)
    first = performance.now()
    process.stderr.write(
      '\nstopping: waits for the requests under way, then removes everything (Ctrl-C again: leave it)\n',
    )
    abort.abort(new Error('stopped'))
  }
  process.on('SIGINT', interrupt)
  process.on('SIGTERM', interrupt)
  return () => {
    process.off('SIGINT', interrupt)
    process.off('SIGTERM', interrupt)
  }
}

function save(flags: Flags, result: Result, report: () => string): void {
  if (flags.json) writeFileSync(flags.json, `${JSON.stringify(result, null, 2)}\n`)
  if (flags.report) writeFileSync(flags.report, report())
}
