# System calls that Perl has no function for, by their numbers. Nothing here needs more than Debian's perl-base, and no module is loaded: `warnings`
# (which -w stands for) and `constant` alone take as long to read as all of these programs.
package Kernel;
use strict;

# Which column of the table: by the machine that this program was compiled for (elf(5), e_machine).
my $column;
BEGIN {
  open my $self, '<:raw', '/proc/self/exe' or die "/proc/self/exe: $!\n";
  sysread $self, my $head, 20;
  my $machine = unpack 'x18 S', $head;
  $column = $machine == 62 ? 0 : $machine == 183 ? 1 : die "x86-64 and AArch64 are known here, not machine $machine\n";
}

# x86-64, AArch64 (arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h)
my %numbers = (
  capset        => [126, 91],
  close         => [3,   57],
  clock_gettime => [228, 113],
  execve        => [59,  221],
  fchdir        => [81,  50],
  fchown        => [93,  55],
  getcwd        => [79,  17],
  memfd_create  => [319, 279],
  mkdirat       => [258, 34],
  mknodat       => [259, 33],
  mount         => [165, 40],
  openat        => [257, 56],
  openat2       => [437, 437],
  pidfd_open    => [434, 434],
  pivot_root    => [155, 41],
  prctl         => [157, 167],
  prlimit64     => [302, 261],
  recvmsg       => [47,  212],
  seccomp       => [317, 277],
  sendfile      => [40,  71],
  sendmsg       => [46,  211],
  setgroups     => [116, 159],
  sethostname   => [170, 161],
  setns         => [308, 268],
  setresgid     => [119, 149],
  setresuid     => [117, 147],
  setsid        => [112, 157],
  statfs        => [137, 43],
  symlinkat     => [266, 36],
  umount2       => [166, 39],
  unshare       => [272, 97],
);

# The call's result, or undef with the reason in $!. A number is passed as it is, a string as a pointer to a copy of it.
sub try {
  my ($name, @arguments) = @_;
  my $result = syscall($numbers{$name}[$column], @arguments);
  return $result == -1 ? undef : $result;
}

sub call {
  my ($name, @arguments) = @_;
  my $result = try($name, @arguments);
  die "$name: $!\n" unless defined $result;
  return $result;
}

# As `try`, for calls that write to their argument $_[1].
sub fill {
  my $name = shift;
  my $result = syscall($numbers{$name}[$column], @_);
  return $result == -1 ? undef : $result;
}

sub O_PATH      () { 010000000 }
sub O_NOFOLLOW  () { $column == 0 ? 0400000 : 0100000 }
sub O_DIRECTORY () { $column == 0 ? 0200000 : 040000 }
sub O_CLOEXEC   () { 02000000 }
sub AT_FDCWD    () { -100 }

# Seconds and nanoseconds of the wall clock.
sub now {
  my $time = "\0" x 16;
  fill('clock_gettime', 0, $time) // die "clock_gettime: $!\n";
  return unpack 'qq', $time;
}

# Sends a file descriptor over a Unix socket, or receives one (cmsg(3), SCM_RIGHTS), in a list with the bytes beside it. Undef: the other side has gone.
sub send_descriptor {
  my ($socket, $descriptor) = @_;
  my $byte = 'x';
  my $control = pack 'Q l l l x4', 20, 1, 1, $descriptor;
  my $vector = pack 'P Q', $byte, 1;
  my $message = pack 'Q l x4 P Q P Q l x4', 0, 0, $vector, 1, $control, length $control, 0;
  return try('sendmsg', $socket, $message, 0);
}

sub receive_descriptor {
  my ($socket) = @_;
  # Buffers of their own: what is written to must not be shared with a constant.
  my ($byte, $control) = ('', '');
  vec($byte, 4095, 8) = 0;
  vec($control, 23, 8) = 0;
  my $vector = pack 'P Q', $byte, length $byte;
  my $message = pack 'Q l x4 P Q P Q l x4', 0, 0, $vector, 1, $control, length $control, 0;
  my $received = try('recvmsg', $socket, $message, 0x40000000);    # MSG_CMSG_CLOEXEC
  return undef unless $received;
  my ($length, $level, $type, $descriptor) = unpack 'Q l l l', $control;
  undef $descriptor unless $length == 20 && $level == 1 && $type == 1;
  return wantarray ? ($descriptor, substr $byte, 0, $received) : $descriptor;
}

1;
