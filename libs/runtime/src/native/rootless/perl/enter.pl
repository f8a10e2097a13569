#!/usr/bin/perl
# Runs a program in the namespaces that namespace.pl holds, as their root:
#
#   enter.pl PID PROGRAM [ARGUMENT ...]
use strict;
use warnings;

BEGIN {
  my $here = ($0 =~ m{^(.*)/}s)[0] // '.';
  require "$here/../../launcher/perl/kernel.pl";
}

my ($pid, @command) = @ARGV;
die "usage: enter.pl PID PROGRAM [ARGUMENT ...]\n" unless @command && $pid =~ /^\d+$/;
my $directory = readlink '/proc/self/cwd';
my @namespaces = map { open my $file, '<', "/proc/$pid/ns/$_" or die "/proc/$pid/ns/$_: $!\n"; $file } qw(user mnt net ipc);
Kernel::call('setns', fileno $_, 0) for @namespaces;
Kernel::call('setresgid', 0, 0, 0);
Kernel::call('setresuid', 0, 0, 0);
Kernel::try('setgroups', 0, 0);
# Joining a mount namespace has led to its root.
chdir $directory if defined $directory;
exec { $command[0] } @command or die "cannot run $command[0]: $!\n";
