# The steps that make a container: each is a verb and its values, as steps.ts writes them. They are carried out in order; `fork` begins the
# container's first process, which goes on with what follows.
package Steps;
use strict;

sub MS_RDONLY  () { 0x1 }
sub MS_REMOUNT () { 0x20 }
sub MS_BIND    () { 0x1000 }
sub MS_REC     () { 0x4000 }
sub MS_PRIVATE () { 0x40000 }
sub MS_SLAVE   () { 0x80000 }
sub MNT_DETACH () { 2 }

# Of the process that carries out the steps.
my ($root, @groups, $program, @environment, $report, $listener, %context);

my %verbs = (
  # Cgroups. They are made before there is a process, and entered by it.
  group => sub {
    my ($directory) = @_;
    make_path($directory);
    push @groups, $directory;
    $context{on_group}->($directory) if $context{on_group};
  },
  'parent-group' => \&make_path,
  'enter-groups' => sub { enter_groups(@groups) },
  write => sub { write_value(@_) // die "$_[0]: $!\n" },
  # What not every kernel has.
  'try-write' => \&write_value,

  # Namespaces.
  setns => sub {
    my ($path, $kind) = @_;
    open my $namespace, '<', $path or die "$path: $!\n";
    Kernel::call('setns', fileno $namespace, 0 + $kind);
  },
  unshare => sub { Kernel::call('unshare', 0 + $_[0]) },
  hostname => sub { Kernel::call('sethostname', "$_[0]", length $_[0]) },
  'enter-pid' => sub { join_namespaces($_[0], 'pid') },
  enter => sub {
    my ($pid, @of) = @_;
    enter_groups(@of);
    join_namespaces($pid, qw(cgroup ipc uts net mnt));
    chdir '/' or die "/: $!\n";
  },

  # The file system. Paths are inside the container's root, and are looked up as if it were the root already: no link leads out of it.
  # Of a mount: its flags, or who hears of what is mounted below.
  change => sub { mount('none', $_[0], '', 0 + $_[1], '') },
  root => sub {
    my ($path) = @_;
    # A mount of others must not see what is mounted here; a plain directory is none.
    Kernel::try('mount', 'none', $path, '', MS_PRIVATE, '');
    mount($path, $path, '', MS_BIND | MS_REC, '');
    $root = Kernel::call('openat', Kernel::AT_FDCWD, $path, Kernel::O_PATH | Kernel::O_DIRECTORY | Kernel::O_CLOEXEC, 0);
  },
  directory => sub { release(made($_[0], 1)) },
  mount => sub {
    my ($source, $path, $type, $flags, $data) = @_;
    my $isBind = $flags & MS_BIND;
    die "mount $source: $!\n" if $isBind && !-e $source;
    my $target = made($path, !$isBind || -d _);
    mount($source, place($target), $type, 0 + $flags, $data);
    release($target);
  },
  # Of what is mounted there already: other flags, another propagation.
  remount => sub { on_existing($_[0], sub { mount('none', $_[0], '', $_[1], '') }, $_[1] | MS_REMOUNT | MS_BIND) },
  propagate => sub { on_existing($_[0], sub { mount('none', $_[0], '', $_[1], '') }, 0 + $_[1]) },
  mask => sub {
    on_existing($_[0], sub {
      my ($place) = @_;
      -d $place ? mount('tmpfs', $place, 'tmpfs', MS_RDONLY, 'size=0k') : mount('/dev/null', $place, '', MS_BIND, '');
    });
  },
  readonly => sub {
    my ($path) = @_;
    on_existing($path, sub { mount($_[0], $_[0], '', MS_BIND | MS_REC, '') });
    on_existing($path, sub { mount('none', $_[0], '', MS_REMOUNT | MS_BIND | MS_RDONLY, '') });
  },
  device => sub {
    my ($path, $mode, $device, $user, $group) = @_;
    my ($parent, $name) = $path =~ m{^(.*)/([^/]+)$}s;
    my $directory = made("$parent/", 1);
    if (!defined Kernel::try('mknodat', $directory, $name, 0 + $mode, 0 + $device)) { die "$path: $!\n" unless $! == 17 }
    chown $user, $group, place($directory) . "/$name" or die "$path: $!\n";
    release($directory);
  },
  link => sub {
    my ($to, $path) = @_;
    my ($parent, $name) = $path =~ m{^(.*)/([^/]+)$}s;
    my $directory = made("$parent/", 1);
    if (!defined Kernel::try('symlinkat', $to, $directory, $name)) { die "$path: $!\n" unless $! == 17 }
    release($directory);
  },
  # The old root lies over the new one for a moment, and goes (pivot_root(2), "pivot_root(".", ".")").
  pivot => sub {
    my $old = Kernel::call('openat', Kernel::AT_FDCWD, '/', Kernel::O_PATH | Kernel::O_DIRECTORY | Kernel::O_CLOEXEC, 0);
    Kernel::call('fchdir', $root);
    Kernel::call('pivot_root', '.', '.');
    Kernel::call('fchdir', $old);
    mount('none', '.', '', MS_SLAVE | MS_REC, '');
    Kernel::call('umount2', '.', MNT_DETACH);
    chdir '/' or die "/: $!\n";
    release($_) for $old, $root;
  },
  chdir => sub {
    my ($path) = @_;
    chdir $path or die "chdir to cwd (\"$path\"): $!\n";
    # A path through an open descriptor may lead outside (CVE-2024-21626).
    my $where = "\0" x 4097;
    my $length = Kernel::fill('getcwd', $where, 4097) // die "getcwd: $!\n";
    die "chdir to cwd (\"$path\"): it is outside of the container\n" if $length < 2 || substr($where, 0, 1) ne '/';
  },

  # The process.
  session => sub { Kernel::call('setsid') },
  terminal => sub { Terminal::take($context{console} // die "nobody takes the terminal\n") },
  rlimit => sub { Kernel::call('prlimit64', 0, 0 + $_[0], pack('QQ', $_[1], $_[2]), 0) },
  bounding => sub {
    my ($kept) = @_;
    for my $capability (0 .. 63) {
      next if ($kept >> $capability) & 1;
      last unless defined Kernel::try('prctl', 24, $capability, 0, 0, 0);    # PR_CAPBSET_DROP
    }
  },
  groups => sub { Kernel::call('setgroups', scalar @_, pack('L*', @_)) },
  identity => sub {
    my ($user, $group, $effective, $permitted) = @_;
    give_streams($user) if $user != 0;
    Kernel::call('prctl', 8, 1, 0, 0, 0);    # PR_SET_KEEPCAPS
    Kernel::call('setresgid', (0 + $group) x 3);
    Kernel::call('setresuid', (0 + $user) x 3);
    Kernel::call('prctl', 8, 0, 0, 0, 0);
    my @low = map { $_ & 0xffffffff } $effective, $permitted;
    my @high = map { $_ >> 32 } $effective, $permitted;
    Kernel::call('capset', pack('L l', 0x20080522, 0), pack('L6', @low, 0, @high, 0));
  },
  'no-new-privileges' => sub { Kernel::call('prctl', 38, 1, 0, 0, 0) },
  # A filter of struct sock_filter (seccomp(2)).
  seccomp => sub {
    my ($filter) = @_;
    Kernel::call('seccomp', 1, 0, pack('S x6 P', length($filter) / 8, $filter));
  },
  environment => sub { @environment = @_ },
  # Who is not there should be told of before anything runs.
  find => sub {
    my ($name) = @_;
    my ($path) = map { /^PATH=(.*)/s ? $1 : () } @environment;
    my @candidates = $name =~ m{/} ? $name : map { ($_ eq '' ? '.' : $_) . "/$name" } split /:/, $path // '', -1;
    ($program) = grep { -f && -x _ } @candidates;
    return if defined $program;
    my ($there) = grep { -e } @candidates;
    die "exec: \"$name\": " . (-d $there ? 'is a directory' : 'permission denied') . "\n" if defined $there;
    die "exec: \"$name\": " . ($name =~ m{/} ? "stat $name: no such file or directory" : 'executable file not found in $PATH') . "\n";
  },
  # Tells that all is well so far, and waits for `start`, which connects, and hears what goes wrong from here on.
  ready => sub {
    syswrite $report, "\0";
    accept my $starter, $listener or die "accept: $!\n";
    $report = $starter;
    close $listener;
  },
  exec => sub {
    my (@arguments) = @_;
    umask 0022;
    # What Perl, and who started it, ignore is not to be ignored by the program.
    $SIG{$_} = 'DEFAULT' for qw(FPE PIPE HUP INT QUIT TERM CHLD WINCH);
    Kernel::try('execve', $program, pack('p*', @arguments, undef), pack('p*', @environment, undef));
    my %words = (2 => 'no such file or directory', 8 => 'exec format error', 13 => 'permission denied');
    die "exec $program: " . ($words{ 0 + $! } // $!) . "\n";
  },
);

# @return the container's first process, if there is a `fork`, once it is `ready` or has become the program. Dies with what went wrong.
sub carry_out {
  my ($steps, $given) = @_;
  %context = %$given;
  umask 0;
  my @left = @$steps;
  while (my $step = shift @left) {
    return fork_off(\@left) if $step->[0] eq 'fork';
    perform(@$step);
  }
  return undef;
}

sub fork_off {
  my ($steps) = @_;
  pipe my $reader, my $writer or die "pipe: $!\n";
  if (defined $context{directory}) {
    chdir $context{directory} or die "$context{directory}: $!\n";
    socket $listener, 1, 1, 0 or die "socket: $!\n";
    bind $listener, pack('S a108', 1, 'start') or die "bind: $!\n";
    listen $listener, 1 or die "listen: $!\n";
  }
  my $child = fork // die "fork: $!\n";
  if ($child == 0) {
    close $reader;
    $report = $writer;
    eval { perform(@$_) for @$steps };
    syswrite $report, $@ || "there is nothing to run\n";
    exit 1;
  }
  close $writer;
  close $listener if defined $listener;
  $context{on_fork}->($child) if $context{on_fork};
  my $said = '';
  while (sysread $reader, $said, 4096, length $said) { last if $said =~ /^\0/ }
  return $child if $said eq '' || $said =~ /^\0/;
  waitpid $child, 0;
  die $said;
}

sub perform {
  my ($verb, @values) = @_;
  my $action = $verbs{$verb} or die "unknown step: $verb\n";
  $action->(@values);
}

# A list of lists of byte strings, each after its length in four bytes.
sub read_file {
  my ($path) = @_;
  open my $file, '<:raw', $path or die "$path: $!\n";
  local $/;
  return [map { [unpack '(N/a*)*', $_] } unpack '(N/a*)*', <$file> // ''];
}

sub write_value {
  my ($path, $value) = @_;
  open my $file, '>', $path or return undef;
  return syswrite $file, $value;
}

sub enter_groups {
  my (@of) = @_;
  for my $directory (@of) { write_value("$directory/cgroup.procs", '0') // die "cannot enter $directory: $!\n" }
}

sub make_path {
  my ($path) = @_;
  return if -d $path;
  make_path($1) if $path =~ m{^(/.+)/[^/]+$}s;
  mkdir $path, 0755 or $! == 17 or die "$path: $!\n";
}

# Those that are this process's own are left as they are.
sub join_namespaces {
  my ($pid, @kinds) = @_;
  my @open;
  for my $kind (@kinds) {
    my $there = readlink "/proc/$pid/ns/$kind" // next;
    next if $there eq readlink "/proc/self/ns/$kind";
    open my $namespace, '<', "/proc/$pid/ns/$kind" or die "/proc/$pid/ns/$kind: $!\n";
    push @open, $namespace;
  }
  Kernel::call('setns', fileno $_, 0) for @open;
}

sub mount {
  my ($source, $target, $type, $flags, $data) = @_;
  return if defined Kernel::try('mount', $source, $target, $type, $flags, $data);
  # What came from a user namespace above keeps what restricts it there (mount_namespaces(7), "Restrictions").
  return if $! == 1 && $flags & MS_REMOUNT && defined Kernel::try('mount', $source, $target, $type, $flags | restrictions($target), $data);
  die "mount $source" . named($target) . ": $!\n";
}

# The flags of a mount that restrict, and when it notes accesses (statfs(2)).
sub restrictions {
  my ($target) = @_;
  my $facts = "\0" x 120;
  Kernel::fill('statfs', $target, $facts) // return 0;
  my $flags = unpack 'x80 q', $facts;
  return ($flags & 0xc0e) | ($flags & 0x1000 ? 0x200000 : 0);
}

# A path that a message may show: what a descriptor stands for.
sub named {
  my ($target) = @_;
  my $path = $target =~ m{^/proc/self/fd/} ? readlink $target : $target;
  return defined $path ? " on $path" : '';
}

sub place { return "/proc/self/fd/$_[0]" }
sub release { Kernel::call('close', $_[0]) }

# A descriptor of what is at a path of the container. Undef: nothing is.
sub existing {
  my ($path) = @_;
  for (1 .. 100) {
    # RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS
    my $found = Kernel::try('openat2', $root, $path, pack('Q3', Kernel::O_PATH | Kernel::O_CLOEXEC, 0, 0x12), 24);
    return $found if defined $found;
    return undef if $! == 2 || $! == 20;
    # Something was renamed meanwhile.
    die "$path: $!\n" if $! != 11;
  }
  die "$path: changes all the time\n";
}

# The same; what is missing is made, as an empty directory or file.
sub made {
  my ($path, $isDirectory, $depth) = @_;
  die "$path: too many links\n" if ($depth // 0) > 40;
  my @parts = grep { $_ ne '' } split m{/}, $path;
  my $parent = existing('/');
  my $done = '';
  while (defined(my $name = shift @parts)) {
    my $found = existing("$done/$name");
    if (!defined $found) {
      my $isMade = @parts || $isDirectory
        ? Kernel::try('mkdirat', $parent, $name, 0755)
        : Kernel::try('mknodat', $parent, $name, 0100644, 0);
      if (!defined $isMade) {
        my $reason = $!;
        # A link to what is not there: that is made.
        my $to = readlink(place($parent) . "/$name") // die "$done/$name: $reason\n";
        release($parent);
        return made(join('/', $to =~ m{^/} ? $to : "$done/$to", @parts), $isDirectory, ($depth // 0) + 1);
      }
      $found = existing("$done/$name") // die "$done/$name: $!\n";
    }
    release($parent);
    $parent = $found;
    $done .= "/$name";
  }
  return $parent;
}

sub on_existing {
  my ($path, $action, @more) = @_;
  my $found = existing($path) // return;
  $action->(place($found), @more);
  release($found);
}

# Who runs as somebody else must be able to open /dev/stdout again.
sub give_streams {
  my ($user) = @_;
  my @null = stat '/dev/null';
  for my $descriptor (0 .. 2) {
    my @is = stat "/dev/fd/$descriptor" or next;
    next if @null && $is[6] == $null[6] && $is[1] == $null[1];
    # A file system that is read only, or a stream of somebody else's, stays as it is.
    Kernel::try('fchown', $descriptor, 0 + $user, 0 + $is[5]);
  }
}

1;
