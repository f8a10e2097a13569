#!/usr/bin/perl -w
# Runs crun where cgroups of version 1 are mounted beside a version 2 that has controllers, which it refuses: it does not get to see the latter.
#
#   crun.pl ARGUMENT...
#
# In a mount namespace of its own, whose other mounts stay those that they were: what a pod mounts for others to see is still seen.
use strict;

BEGIN {
  my $here = ($0 =~ m{^(.*)/}s)[0] // '.';
  require "$here/kernel.pl";
}

sub CLONE_NEWNS () { 0x20000 }
sub MS_PRIVATE  () { 0x40000 }
sub MNT_DETACH  () { 2 }

Kernel::call('unshare', CLONE_NEWNS);
# Who else has it mounted is not told (mount_namespaces(7)).
Kernel::call('mount', 'none', '/sys/fs/cgroup', '', MS_PRIVATE, '');
Kernel::call('umount2', '/sys/fs/cgroup/unified', MNT_DETACH);
# It keeps the name by which a later agent knows what is still under way.
exec { 'crun' } $0, @ARGV or die "cannot run crun: $!\n";
