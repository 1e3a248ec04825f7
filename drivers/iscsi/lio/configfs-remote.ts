import { setImmediate } from 'node:timers/promises'
import { DriverError, type Runner } from '@hearth/driver'
import { type Configfs, type Found, type Step, stepFailure } from './configfs-step.ts'

/**
 * Perl script on the storage host. It reads jobs from standard input, so that no secret is in a process list: a line
 * `job`, then a line for each step, its words separated by tabs. It prints `@` for each job, `=path` and ` line` for
 * what it reads, `!` with kind, path and reason for a failed step; later jobs still run. Perl, because a shell starts a
 * process for each folder and link, a dozen for each export; every Debian has Perl.
 */
// Perl's modules take longer to load than the work, so constants are numbers: 1 O_WRONLY, 2 ENOENT, 17 EEXIST.
const interpreter = String.raw`
my ($root, $over) = shift;
chdir $root or die "$root: $!\n";
sub put {
  my ($path, $value) = @_;
  sysopen(my $file, $path, 1) or return;
  defined syswrite($file, $value) or return;
  close $file;
}
sub matching {
  my @found = ('');
  for my $part (split m{/}, $_[0]) {
    my $pattern = join '.*', map { quotemeta } split /\*/, $part, -1;
    my @next;
    for my $at (map { $_ eq '' ? '' : "$_/" } @found) {
      if ($part !~ /\*/) { push @next, "$at$part"; next }
      opendir(my $folder, $at || '.') or next;
      push @next, map { "$at$_" } sort grep { !/^\./ && /^$pattern$/ } readdir $folder;
    }
    @found = @next;
  }
  grep { lstat } @found;
}
sub show {
  for my $path (matching($_[0])) {
    print "=$path\n";
    lstat $path;
    next unless -f _;
    open(my $file, '<', $path) or next;
    while (<$file>) { tr/\0\n//d; print " $_\n" }
  }
  1;
}
sub identity {
  my ($dev, $ino, $rdev) = (stat $_[0])[0, 1, 6];
  return "file $dev:$ino" if -f _;
  return '' unless -b _;
  my $major = $rdev >> 8 & 0xfff | $rdev >> 32 & 0xfffff000;
  my $minor = $rdev & 0xff | $rdev >> 12 & 0xffffff00;
  sprintf 'block %x:%x', $major, $minor;
}
sub identify {
  my $told = identity($_[0]);
  print "=$_[0]\n $told\n" if $told ne '';
  1;
}
sub each_of {
  my ($remove, $pattern) = @_;
  for (matching($pattern)) { $remove->($_) or $! == 2 or return }
  1;
}
sub parents { my $at = ''; for (split m{/}, $_[0]) { $at .= $at eq '' ? $_ : "/$_"; mkdir $at or $! == 17 or return } 1 }
my %steps = (
  mkdir => \&parents,
  link => sub { symlink("$root/$_[1]", $_[0]) || $! == 17 },
  write => \&put,
  try => sub { put(@_); 1 },
  unlink => sub { each_of(sub { unlink $_[0] }, @_) },
  rmdir => sub { each_of(sub { rmdir $_[0] }, @_) },
  read => \&show,
  identify => \&identify,
  note => sub { put($_[0], identity($_[1])) },
  unless => sub { $over = lstat $_[0]; 1 },
  only => sub { $over = identity($_[0]) !~ /^$_[1] /; 1 },
);
while (<DATA>) {
  chomp;
  my ($kind, $path, $value) = split /\t/, $_, 3;
  if ($kind eq 'job') { $over = 0; print "@\n"; next }
  next if $over || $steps{$kind}->($path, $value // '');
  $over = 1;
  print "!$kind\t$path\t$!\n";
}
__END__
`

interface Job {
  steps: Step[]
  resolve(output: string[]): void
  reject(error: unknown): void
}

/** Milliseconds for all jobs of one process. */
const jobsTimeoutMs = 120_000

/** Opens the tree of another host. Jobs that arrive while a process runs wait and share the next process. */
export function openRemoteConfigfs(run: Runner, root: string): Configfs {
  let waiting: Job[] = []
  let working = false
  const work = async (): Promise<void> => {
    working = true
    // Jobs of the same moment share the first process too.
    await setImmediate()
    while (waiting.length > 0) {
      const jobs = waiting
      waiting = []
      await perform(run, root, jobs).catch((error: unknown) => {
        for (const job of jobs) job.reject(error)
      })
    }
    working = false
  }
  return {
    async apply(steps) {
      const output = await new Promise<string[]>((resolve, reject) => {
        waiting.push({ steps, resolve, reject })
        if (!working) void work()
      })
      return readOutput(steps, output)
    },
  }
}

async function perform(run: Runner, root: string, jobs: Job[]): Promise<void> {
  const lines = jobs.flatMap(({ steps }) => ['job', ...steps.map((step) => step.join('\t'))])
  const input = `${interpreter}${lines.join('\n')}\n`
  const { stdout } = await run(['perl', '-', root], { input, timeout: jobsTimeoutMs })
  const outputs = stdout.split(/^@\n/m).slice(1)
  if (outputs.length !== jobs.length) {
    throw new DriverError('unavailable', `The kernel's target cannot be set up in ${root}: ${stdout.slice(0, 500)}`)
  }
  for (const [index, job] of jobs.entries()) job.resolve(outputs[index]!.split('\n'))
}

function readOutput(steps: Step[], lines: string[]): Found {
  const found: Found = new Map()
  let path: string | undefined
  for (const line of lines) {
    if (line.startsWith('!')) {
      const [kind, of, reason = ''] = line.slice(1).split('\t')
      const step = steps.find((one) => one[0] === kind && one[1] === of)
      throw stepFailure(step ?? ['read', of ?? ''], reason)
    }
    if (line.startsWith('=')) {
      path = line.slice(1)
      found.set(path, '')
    } else if (line.startsWith(' ') && path !== undefined) {
      found.set(path, `${found.get(path)}${line.slice(1)}\n`)
    }
  }
  for (const [name, text] of found) found.set(name, text.replace(/\n$/, ''))
  return found
}
