import { setImmediate } from 'node:timers/promises'
import { DriverError, type Runner } from '@hearth/driver'
import { type Configfs, type Found, type Step, stepFailure } from './configfs-step.ts'

/**
 * Reads deeds from its input, so that no secret stands in a process list: a line `deed`, then a line for each step, its
 * words parted by tabs. Answers `@` for each deed, `=path` and ` line` for what it reads, `!` with kind, path and
 * reason for the step that failed; a deed that fails does not stop those that follow. Perl, because a shell starts a
 * process for each folder and link, a dozen for an export: it is on every Debian, and here does hundreds of exports in
 * one. Without its modules, whose loading takes longer than the work: 1 is O_WRONLY, 2 is ENOENT, 17 is EEXIST.
 */
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
  if ($kind eq 'deed') { $over = 0; print "@\n"; next }
  next if $over || $steps{$kind}->($path, $value // '');
  $over = 1;
  print "!$kind\t$path\t$!\n";
}
__END__
`

interface Deed {
  steps: Step[]
  settle(answer: string[]): void
  fail(error: unknown): void
}

/** Milliseconds for all deeds of one process. */
const patience = 120_000

/** Deeds that are asked for while a process is at work wait and share the next one. */
export function openRemoteConfigfs(run: Runner, root: string): Configfs {
  let waiting: Deed[] = []
  let working = false
  const work = async (): Promise<void> => {
    working = true
    // Those that are asked for at once share the first one too.
    await setImmediate()
    while (waiting.length > 0) {
      const deeds = waiting
      waiting = []
      await perform(run, root, deeds).catch((error: unknown) => {
        for (const deed of deeds) deed.fail(error)
      })
    }
    working = false
  }
  return {
    async apply(steps) {
      const answer = await new Promise<string[]>((settle, fail) => {
        waiting.push({ steps, settle, fail })
        if (!working) void work()
      })
      return readAnswer(steps, answer)
    },
  }
}

async function perform(run: Runner, root: string, deeds: Deed[]): Promise<void> {
  const lines = deeds.flatMap(({ steps }) => ['deed', ...steps.map((step) => step.join('\t'))])
  const input = `${interpreter}${lines.join('\n')}\n`
  const { stdout } = await run(['perl', '-', root], { input, timeout: patience })
  const answers = stdout.split(/^@\n/m).slice(1)
  if (answers.length !== deeds.length) {
    throw new DriverError('unavailable', `The kernel's target cannot be set up in ${root}: ${stdout.slice(0, 500)}`)
  }
  for (const [place, deed] of deeds.entries()) deed.settle(answers[place]!.split('\n'))
}

function readAnswer(steps: Step[], lines: string[]): Found {
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
