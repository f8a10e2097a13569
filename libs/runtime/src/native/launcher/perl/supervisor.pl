#!/usr/bin/perl -w
# Watches over one container, and outlives who started it: the part of conmon that is used here, with its options, files and sockets.
#
# In the bundle: `attach`, a socket of packets (input; and output after a byte that says which stream), and `ctl`, a FIFO of lines ("1 <rows>
# <columns>": the terminal's size, "2 0 0": the log is begun anew). The log has CRI's format. When the container has ended: the file `oom` if
# the kernel killed something in it for memory, the exit code in the exit directory, and --exit-command.
use strict;

my $here;

BEGIN {
  $here = ($0 =~ m{^(.*)/}s)[0] // '.';
  require "$here/$_.pl" for qw(kernel sealed files);
}

sub CHUNK                  () { 32 * 1024 }
sub STDOUT_PACKET          () { 2 }
sub STDERR_PACKET          () { 3 }
sub PR_SET_CHILD_SUBREAPER () { 36 }
sub WNOHANG                () { 1 }

my %isFlag = map { $_ => 1 } qw(terminal stdin leave-stdin-open full-attach no-sync-log version);
my %isList = map { $_ => [] } qw(runtime-arg exit-command-arg);
my %given;
while (defined(my $word = shift @ARGV)) {
  my ($name) = $word =~ /^--([a-z-]+)$/ or die "unknown argument: $word\n";
  if ($isFlag{$name}) { $given{$name} = 1; next }
  my $value = shift(@ARGV) // die "--$name takes a value\n";
  if ($isList{$name}) { push @{ $isList{$name} }, $value }
  else { $given{$name} = $value }
}
if ($given{version}) { print "supervisor version 1.0.0\n"; exit 0 }

my ($bundle, $id) = @given{qw(bundle cid)};
open my $answer, '>&=', $ENV{_OCI_SYNCPIPE} or die "nobody waits for an answer\n";
fcntl $answer, 2, 1;    # FD_CLOEXEC
chdir $bundle or die "$bundle: $!\n";

# Nobody's child, and the parent of what the runtime leaves.
exit 0 if fork // die "fork: $!\n";
Kernel::call('prctl', PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
$SIG{$_} = 'IGNORE' for qw(HUP INT QUIT PIPE);
Files::replace($given{'conmon-pidfile'}, $$);

my ($input, $output, $errors) = (undef, undef, undef);
my $main = eval { create() };
if (!defined $main) {
  my $message = $@;
  $message =~ s/[^\x20-\x7e]/ /g;
  $message =~ s/(["\\])/\\$1/g;
  syswrite $answer, qq({"pid":-1,"message":"$message"}\n);
  exit 1;
}
# It interrupts `select`.
$SIG{CHLD} = sub { };
$SIG{TERM} = sub { kill 'TERM', $main };
my $process = Kernel::call('pidfd_open', $main, 0);
my $log = Log->open($given{'log-path'} =~ s/^k8s-file://r, @given{qw(log-max-bytes log-max-files)});
my $attach = Attach->open;
my $control = control_pipe();
my $memory = memory_events($main);
syswrite $answer, qq({"pid":$main}\n);
close $answer;
open STDERR, '>', '/dev/null' or die "/dev/null: $!\n";

my $isRunning = 1;
my %streams = (
  defined $output ? (fileno($output) => [$output, 'stdout', STDOUT_PACKET]) : (),
  defined $errors ? (fileno($errors) => [$errors, 'stderr', STDERR_PACKET]) : (),
);
my $commands = '';
while ($isRunning) {
  my ($readable, $writable) = ('', '');
  vec($readable, $process, 1) = 1;
  vec($readable, fileno $control, 1) = 1;
  vec($readable, $_, 1) = 1 for keys %streams;
  $attach->wanted(\$readable, \$writable, defined $input);
  vec($writable, fileno $input, 1) = 1 if defined $input && $attach->has_input;
  my $found = select $readable, $writable, undef, undef;
  # Orphans of the container's, in a process namespace that is the machine's.
  $isRunning = 0 if $found > 0 && vec $readable, $process, 1;
  reap_orphans() if $isRunning;
  next if $found < 0;
  read_stream($_) for grep { vec $readable, $_, 1 } keys %streams;
  obey() if vec $readable, fileno $control, 1;
  $attach->serve($readable, $writable);
  feed() if defined $input && vec $writable, fileno $input, 1;
  end_input() if defined $input && $attach->is_input_over && !$given{'leave-stdin-open'} && !$given{terminal};
}
waitpid $main, 0;
my $status = $?;
my $code = ($status & 127) ? 128 + ($status & 127) : $status >> 8;
# What was written before the end is in the pipes; who else has them open is not waited for.
for my $descriptor (keys %streams) { 1 while read_stream($descriptor) }
$attach->finish;
$log->close;
if (defined $memory && has_killed($memory)) { Files::replace('oom', '') }
# It appears by a rename: who sees it sees the whole code, and the whole log.
Files::replace("$given{'exit-dir'}/$id", $code, 'exit');
unlink 'attach', 'ctl';
$SIG{CHLD} = 'DEFAULT';
become($given{'exit-command'}, @{ $isList{'exit-command-arg'} }) if defined $given{'exit-command'};

# Has the runtime make the container. @return its first process; dies with what the runtime says.
sub create {
  my ($console, $theirInput, $theirOutput, $theirErrors);
  my @more = ('--bundle', $bundle, '--pid-file', $given{'container-pidfile'});
  pipe $errors, $theirErrors or die "pipe: $!\n";
  if ($given{terminal}) {
    socket $console, 1, 1, 0 or die "socket: $!\n";
    bind $console, pack('S a108', 1, 'console') or die "bind: $!\n";
    listen $console, 1 or die "listen: $!\n";
    # The path of the bundle may be too long for a socket's (unix(7): 108 bytes).
    push @more, '--console-socket', "/proc/$$/cwd/console";
  } else {
    pipe $output, $theirOutput or die "pipe: $!\n";
    if ($given{stdin}) { pipe $theirInput, $input or die "pipe: $!\n" }
  }
  my $runtime = fork // die "fork: $!\n";
  if ($runtime == 0) {
    eval {
      $SIG{$_} = 'DEFAULT' for qw(HUP INT QUIT PIPE);
      if (defined $theirInput) { open STDIN, '<&', $theirInput or die } else { open STDIN, '<', '/dev/null' or die }
      if (defined $theirOutput) { open STDOUT, '>&', $theirOutput or die } else { open STDOUT, '>&', $theirErrors or die }
      open STDERR, '>&', $theirErrors or die;
      close $_ for grep { defined } $answer, $console, $input, $output, $errors, $theirInput, $theirOutput, $theirErrors;
      become($given{runtime}, @{ $isList{'runtime-arg'} }, 'create', @more, $id);
    };
    print STDERR $@;
    exit 1;
  }
  # Read while the runtime works.
  require "$here/$_.pl" for qw(terminal log attach);
  close $_ for grep { defined } $theirInput, $theirOutput, $theirErrors;
  if ($given{terminal}) { accept_terminal($console, $runtime) }
  waitpid $runtime, 0;
  unlink 'console';
  if ($? != 0) {
    my $said = '';
    unblock($errors);
    1 while sysread $errors, $said, 4096, length $said;
    die $said eq '' ? "the runtime ended with $?\n" : $said;
  }
  unblock($_) for grep { defined } $input, $output, $errors;
  open my $file, '<', $given{'container-pidfile'} or die "$given{'container-pidfile'}: $!\n";
  return 0 + <$file>;
}

# Becomes the runtime. Our own launcher is not begun anew if this process runs from a sealed copy, as it has to (sealed.pl).
sub become {
  my ($program, @arguments) = @_;
  if ($program ne "$here/launcher.pl" || !Sealed::is_running()) { exec { $program } $program, @arguments or die "cannot run $program: $!\n" }
  # The name by which a later agent knows what is still under way.
  $0 = $program;
  @ARGV = @arguments;
  defined do $program or die $@ || "cannot read $program: $!\n";
  exit 0;
}

# The runtime sends the terminal that it has made, or ends without.
sub accept_terminal {
  my ($console, $runtime) = @_;
  my $ended = Kernel::call('pidfd_open', $runtime, 0);
  my $readable = '';
  vec($readable, fileno $console, 1) = 1;
  vec($readable, $ended, 1) = 1;
  1 while select($readable, undef, undef, undef) < 0;
  Kernel::call('close', $ended);
  return unless vec $readable, fileno $console, 1;
  accept my $sender, $console or die "accept: $!\n";
  my $descriptor = Kernel::receive_descriptor(fileno $sender) // die "the runtime gave no terminal\n";
  open $output, '+<&=', $descriptor or die "terminal: $!\n";
  $input = $output;
}

# @return whether there was something.
sub read_stream {
  my ($descriptor) = @_;
  my ($handle, $name, $packet) = @{ $streams{$descriptor} // return 0 };
  my $read = sysread $handle, my $bytes, CHUNK;
  return 0 if !defined $read && ($! == 11 || $! == 4);
  if (!$read) {
    # Of a terminal that nobody has open just now more may come; asking again at once would only cost time.
    delete $streams{$descriptor};
    return 0;
  }
  $log->add($name, $bytes);
  $attach->tell($packet, $bytes);
  return 1;
}

sub feed {
  my $bytes = $attach->input;
  my $written = syswrite $input, $bytes;
  if (defined $written) { $attach->taken($written) }
  elsif ($! != 11 && $! != 4) { end_input() }
}

sub end_input {
  return if $attach->has_input;
  close $input unless $given{terminal};
  undef $input;
}

# Lines may come in pieces.
sub obey {
  sysread $control, $commands, 4096, length $commands;
  while ($commands =~ s/^([^\n]*)\n//) {
    my ($what, $rows, $columns) = $1 =~ /^(\d+) (\d+) (\d+)$/ or next;
    if ($what == 1 && $given{terminal} && defined $output) { Terminal::resize($output, $rows, $columns) }
    if ($what == 2) { $log->reopen }
  }
  $commands = '' if length $commands > 4096;
}

# Open for writing as well, so that it never ends.
sub control_pipe {
  unlink 'ctl';
  Kernel::call('mknodat', Kernel::AT_FDCWD, 'ctl', 0010600, 0);
  open my $pipe, '+<', 'ctl' or die "ctl: $!\n";
  unblock($pipe);
  return $pipe;
}

sub reap_orphans {
  # The container's first process is left for the end, which asks for its status.
  while (1) {
    my $file = "/proc/$$/task/$$/children";
    open my $children, '<', $file or return;
    my @dead = grep { $_ != $main && is_zombie($_) } split ' ', <$children> // '';
    return unless @dead;
    waitpid $_, WNOHANG for @dead;
  }
}

sub is_zombie {
  my ($pid) = @_;
  open my $file, '<', "/proc/$pid/stat" or return 0;
  return (<$file> // '') =~ /\) Z [^)]*$/;
}

# The file that counts what the kernel kills for memory (memory.oom_control of cgroup v1, memory.events of v2), open: the group goes before we do.
sub memory_events {
  my ($pid) = @_;
  open my $groups, '<', "/proc/$pid/cgroup" or return undef;
  my %of = map { /^\d+:([^:]*):(.*)$/ ? ($1 => $2) : () } <$groups>;
  my ($controllers) = grep { /(^|,)memory(,|$)/ } keys %of;
  my $path = defined $controllers ? "/sys/fs/cgroup/memory$of{$controllers}/memory.oom_control" : '/sys/fs/cgroup' . ($of{''} // '') . '/memory.events';
  open my $file, '<', $path or return undef;
  return $file;
}

sub has_killed {
  my ($file) = @_;
  seek $file, 0, 0;
  return scalar grep { /^oom_kill [1-9]/ } <$file>;
}

# O_NONBLOCK
sub unblock { fcntl $_[0], 4, fcntl($_[0], 3, 0) | 04000 or die "fcntl: $!\n" }
