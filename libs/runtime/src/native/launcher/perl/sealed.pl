# A process inside a container that is still this program could be asked for its executable file by the container, which might then write to it
# (CVE-2019-5736): it runs from a copy that nobody can write to.
package Sealed;
use strict;

sub is_running { return readlink('/proc/self/exe') =~ m{^/memfd:} }

# Begins the program anew, unless it runs from such a copy.
sub run {
  my @command = @_;
  if (is_running()) {
    Kernel::call('prctl', 4, 0, 0, 0, 0);    # PR_SET_DUMPABLE
    return;
  }
  my $copy = copy();
  # Locales would be read anew.
  $ENV{LC_ALL} = 'C';
  exec { '/proc/self/fd/' . fileno $copy } 'perl', @command or die "cannot run a copy: $!\n";
}

# A copy of Perl in memory that nobody can write to, open.
sub copy {
  open my $program, '<', '/proc/self/exe' or die "/proc/self/exe: $!\n";
  my $descriptor = Kernel::call('memfd_create', 'launcher', 3);    # MFD_CLOEXEC | MFD_ALLOW_SEALING
  my $left = -s $program;
  while ($left > 0) { $left -= Kernel::call('sendfile', $descriptor, fileno $program, 0, $left) }
  open my $copy, '+<&=', $descriptor or die "memfd: $!\n";
  fcntl $copy, 1033, 15 or die "cannot seal: $!\n";    # F_ADD_SEALS: all
  return $copy;
}

1;
