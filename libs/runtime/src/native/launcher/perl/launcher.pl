#!/usr/bin/perl -w
# Makes containers, with as much of runc's command line as is needed:
#
#   launcher.pl --root STATE create --bundle DIR --pid-file FILE [--console-socket SOCKET] ID
#   launcher.pl --root STATE start ID
#   launcher.pl --root STATE run --detach --bundle DIR --pid-file FILE ID
#   launcher.pl --root STATE exec [--tty] --pid-file FILE --process FILE ID
#   launcher.pl --root STATE update --resources FILE ID
#   launcher.pl --root STATE delete --force ID
#
# What is to be done stands in the file `launch` of the bundle (and in --process, --resources): a list of steps, written by steps.ts from the
# container's OCI configuration. This program carries them out one after the other, and decides nothing (steps.pl).
#
# Our own supervisor runs it in a fork of itself (supervisor.pl, `launcher`).
package Launcher;
use strict;

BEGIN {
  my $here = ($0 =~ m{^(.*)/}s)[0] // '.';
  require "$here/$_.pl" for qw(kernel sealed);
  # Before the rest is read, which is read by the copy then.
  Sealed::run($0, @ARGV) if grep { /^(create|run|exec)$/ } @ARGV;
  require "$here/$_.pl" for qw(files steps state terminal);
}

# From here on nothing is loaded: inside a container it would be the container's.
@INC = ();

my %commands = (create => \&create, start => \&start, run => \&run, exec => \&enter, update => \&update, delete => \&remove);
my %isFlag = map { $_ => 1 } qw(force detach tty version);
my ($log, $command, %given);

eval { main(@ARGV); 1 } or do {
  my $problem = $@;
  if (defined $log && open my $file, '>>', $log) { print {$file} $problem }
  print STDERR $problem;
  exit 1;
};

sub main {
  my @words = @_;
  my @operands;
  while (defined(my $word = shift @words)) {
    if ($word !~ /^--([a-z-]+)$/) { push @operands, $word }
    else { $given{$1} = $isFlag{$1} ? 1 : shift(@words) // die "--$1 takes a value\n" }
  }
  if ($given{version}) { print "launcher version 1.0.0\n"; return }
  ($command, my $id) = @operands;
  my $action = $commands{$command // ''} or die "unknown command\n";
  die "the container has no name\n" unless defined $id && $id =~ /^[A-Za-z0-9_.-]+$/ && $id !~ /^\.+$/;
  die "--root is missing\n" unless defined $given{root};
  $log = $given{log};
  $action->(State->new($given{root}, $id));
}

# Everything up to the program itself, which waits for `start`.
sub create {
  my ($state) = @_;
  my $steps = Steps::read_file(needed('bundle') . '/launch');
  $state->make;
  eval {
    my $console = defined $given{'console-socket'} ? connected($given{'console-socket'}) : undef;
    my $pid = launch($state, $steps, $console);
    Files::replace(needed('pid-file'), $pid);
    1;
  } or do {
    my $problem = $@;
    $state->remove;
    die "unable to start container process: $problem";
  };
}

sub start {
  my ($state) = @_;
  chdir $state->directory or die "container does not exist\n";
  my $problem = read_all(connected('start'));
  unlink 'start';
  die "unable to start container process: $problem" if $problem ne '';
}

sub run {
  my ($state) = @_;
  create($state);
  eval { start($state); 1 } or do {
    my $problem = $@;
    $state->remove;
    die $problem;
  };
}

# Runs a command where the container's first process is, and ends as it ends.
sub enter {
  my ($state) = @_;
  my $main = $state->main // die "container does not run\n";
  my $steps = Steps::read_file(needed('process'));
  my ($ours, $console);
  if ($given{tty}) { socketpair $ours, $console, 1, 1, 0 or die "socketpair: $!\n" }
  my @start = (['enter-pid', $main], ['fork'], ['enter', $main, $state->groups]);
  my $child = Steps::carry_out([@start, @$steps], { console => $console });
  close $console if $console;
  Files::replace(needed('pid-file'), $child);
  if ($given{tty}) {
    my $terminal = Kernel::receive_descriptor(fileno $ours) // die "there is no terminal\n";
    Terminal::copy($terminal, $child);
  }
  waitpid $child, 0;
  exit(($? & 127) ? 128 + ($? & 127) : $? >> 8);
}

sub update {
  my ($state) = @_;
  die "container does not run\n" unless defined $state->main;
  Steps::carry_out(Steps::read_file(needed('resources')), {});
}

sub remove {
  my ($state) = @_;
  $state->remove;
}

sub launch {
  my ($state, $steps, $console) = @_;
  my $pid = Steps::carry_out($steps, {
    console => $console,
    on_group => sub { $state->add_group($_[0]) },
    on_fork => sub { $state->set_main($_[0]) },
    directory => $state->directory,
  });
  return $pid;
}

sub needed { return $given{ $_[0] } // die "--$_[0] is missing\n" }

sub connected {
  my ($path) = @_;
  socket my $socket, 1, 1, 0 or die "socket: $!\n";
  # A long path does not fit: it is reached by its directory.
  if ($path =~ m{^(.+)/([^/]+)$}s) {
    open my $back, '<', '.' or die ".: $!\n";
    chdir $1 or die "$1: $!\n";
    connect $socket, pack('S a108', 1, $2) or die "connect to $path: $!\n";
    chdir $back or die "cannot go back: $!\n";
  } else {
    connect $socket, pack('S a108', 1, $path) or die "connect to $path: $!\n";
  }
  return $socket;
}

sub read_all {
  my ($handle) = @_;
  my $text = '';
  while (sysread $handle, $text, 4096, length $text) { }
  return $text;
}
