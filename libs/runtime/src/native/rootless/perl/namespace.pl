#!/usr/bin/perl
# Holds the namespaces of a node that runs without root, for as long as the node has anything in them:
#
#   namespace.pl DIRECTORY UIDS GIDS RELAY RESOLVER
#
# UIDS and GIDS are numbers in threes (inside, outside, how many); RELAY and RESOLVER are socket addresses in hexadecimal. It becomes two processes.
# One stays in the machine's network and hands out sockets of it (sockets.pl); the other is in a user, mount, network and IPC namespace, and passes on
# what goes in and out (relay.pl). Each ends with the other. When all is ready a line with both numbers is written to standard output.
use strict;
use warnings;

BEGIN {
  my $here = ($0 =~ m{^(.*)/}s)[0] // '.';
  require "$here/../../launcher/perl/kernel.pl";
  require "$here/$_.pl" for qw(sockets relay);
}

use constant { CLONE_NEWNS => 0x20000, CLONE_NEWIPC => 0x8000000, CLONE_NEWUSER => 0x10000000, CLONE_NEWNET => 0x40000000 };
use constant { MS_NOSUID => 2, MS_NODEV => 4, MS_NOEXEC => 8, MS_BIND => 0x1000, MS_REC => 0x4000, MS_SHARED => 0x100000 };
use constant { AF_UNIX => 1, SOCK_SEQPACKET => 5, RLIMIT_NOFILE => 7 };

my ($directory, $uids, $gids, $relay, $resolver) = @ARGV;
die "usage: namespace.pl DIRECTORY UIDS GIDS RELAY RESOLVER\n" unless defined $resolver;
@INC = ();
umask 0077;
$SIG{$_} = 'IGNORE' for qw(HUP INT PIPE);
chdir '/' or die "/: $!\n";

socketpair my $outside, my $inside, AF_UNIX, SOCK_SEQPACKET, 0 or die "socketpair: $!\n";
my $child = fork // die "fork: $!\n";
if ($child == 0) {
  close $outside;
  hold();
  exit 0;
}
close $inside;
my $said = Sockets::receive($outside);
if ($said ne 'unshared') { print STDERR $said; exit 1 }
eval { map_ids($child); 1 } or do { print STDERR $@; kill 9, $child; exit 1 };
send $outside, 'mapped', 0;
Sockets::serve($outside);

sub map_ids {
  my ($pid) = @_;
  my @uids = split / /, $uids;
  my @gids = split / /, $gids;
  if (@uids > 3 || @gids > 3) {
    # Only these programs may give away numbers that are not one's own.
    for ([newuidmap => @uids], [newgidmap => @gids]) {
      my ($program, @map) = @$_;
      system({ $program } $program, $pid, @map) == 0 or die "$program failed\n";
    }
    return;
  }
  put("/proc/$pid/setgroups", 'deny');
  put("/proc/$pid/uid_map", "@uids");
  put("/proc/$pid/gid_map", "@gids");
}

sub put {
  my ($path, $text) = @_;
  open my $file, '>', $path or die "$path: $!\n";
  defined syswrite $file, $text or die "$path: $!\n";
}

sub hold {
  eval { Kernel::call('unshare', CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC); 1 } or do {
    send $inside, $@, 0;
    exit 1;
  };
  send $inside, 'unshared', 0;
  exit 1 if Sockets::receive($inside) ne 'mapped';
  Kernel::call('setresgid', 0, 0, 0);
  Kernel::call('setresuid', 0, 0, 0);
  # Where one's own number is all there is, groups cannot be given up.
  Kernel::try('setgroups', 0, 0);
  # What is mounted on the machine comes here; what is mounted here goes to containers that want it, and not to the machine.
  Kernel::call('mount', 'none', '/', '', MS_REC | MS_SHARED, '');
  # Of this network namespace. Without it pods cannot mount theirs either, and say so.
  Kernel::try('mount', 'sysfs', '/sys', 'sysfs', MS_NOSUID | MS_NODEV | MS_NOEXEC, '');
  Kernel::try('mount', "$directory/resolv.conf", '/etc/resolv.conf', '', MS_BIND, '');
  my $files = most_files();
  my $running = Relay->new($inside, $directory, pack('H*', $relay), pack('H*', $resolver), $files);
  $| = 1;
  print "$$ ", getppid, "\n";
  open STDOUT, '>', '/dev/null' or die "/dev/null: $!\n";
  $running->run;
}

# As many as this process may have.
sub most_files {
  my $limits = pack 'QQ', 0, 0;
  Kernel::fill('prlimit64', 0, RLIMIT_NOFILE, 0, $limits) // return 1024;
  my (undef, $hard) = unpack 'QQ', $limits;
  # Each loop looks at all of them.
  my $most = $hard > 4096 ? 4096 : $hard;
  Kernel::try('prlimit64', 0, RLIMIT_NOFILE, pack('QQ', $most, $hard), 0);
  return $most;
}
