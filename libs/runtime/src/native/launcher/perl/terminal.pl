# Pseudo-terminals (pts(4), ioctl_tty(2)).
package Terminal;
use strict;

sub TIOCSCTTY   () { 0x540e }
sub TIOCGWINSZ  () { 0x5413 }
sub TIOCSWINSZ  () { 0x5414 }
sub TIOCSPTLCK  () { 0x40045431 }
sub TIOCGPTPEER () { 0x5441 }

# Opens a terminal of the container that this process is in, makes it that of this process, and gives its other side to who has the socket.
sub take {
  my ($console) = @_;
  open my $master, '+<', '/dev/pts/ptmx' or die "/dev/pts/ptmx: $!\n";
  my $isLocked = "\0" x 4;
  ioctl $master, TIOCSPTLCK, $isLocked or die "cannot unlock the terminal: $!\n";
  # By the descriptor, not by a path that the container may have changed. O_RDWR | O_NOCTTY | O_CLOEXEC
  my $descriptor = ioctl($master, TIOCGPTPEER, 02000402) or die "cannot open the terminal: $!\n";
  open my $terminal, '+<&=', 0 + $descriptor or die "cannot open the terminal: $!\n";
  Kernel::send_descriptor(fileno $console, fileno $master) // die "cannot hand the terminal over: $!\n";
  open STDIN,  '<&', $terminal or die "cannot read the terminal: $!\n";
  open STDOUT, '>&', $terminal or die "cannot write the terminal: $!\n";
  open STDERR, '>&', $terminal or die "cannot write the terminal: $!\n";
  ioctl STDIN, TIOCSCTTY, 0 or die "cannot have the terminal: $!\n";
}

sub resize {
  my ($master, $height, $width) = @_;
  ioctl $master, TIOCSWINSZ, pack('S4', $height, $width, 0, 0);
}

# Copies between a terminal and this process's streams, until nobody has the terminal open any more. The size follows that of standard input.
sub copy {
  my ($descriptor) = @_;
  open my $master, '+<&=', $descriptor or die "terminal: $!\n";
  my $follow = sub {
    my $size = "\0" x 8;
    ioctl STDIN, TIOCGWINSZ, $size and ioctl $master, TIOCSWINSZ, $size;
  };
  local $SIG{WINCH} = $follow;
  $follow->();
  raw();
  my ($toTerminal, $toOutput, $isOpen) = ('', '', 1);
  while (1) {
    my ($readable, $writable) = ('', '');
    vec($readable, fileno $master, 1) = 1 if $toOutput eq '';
    vec($readable, 0, 1) = 1 if $isOpen && $toTerminal eq '';
    vec($writable, fileno $master, 1) = 1 if $toTerminal ne '';
    vec($writable, 1, 1) = 1 if $toOutput ne '';
    next if select($readable, $writable, undef, undef) < 0;
    if (vec $readable, fileno $master, 1) {
      # EIO: the last one has closed it.
      sysread($master, $toOutput, 65536) or last;
    }
    if (vec $readable, 0, 1) { $isOpen = sysread STDIN, $toTerminal, 4096 }
    if (vec $writable, fileno $master, 1) { substr($toTerminal, 0, syswrite($master, $toTerminal) // last) = '' }
    if (vec $writable, 1, 1) { substr($toOutput, 0, syswrite(STDOUT, $toOutput) // last) = '' }
  }
}

# Standard input passes everything on as it comes (cfmakeraw(3)): the terminal inside is who understands it.
sub raw {
  my $settings = "\0" x 64;
  ioctl STDIN, 0x5401, $settings or return;
  my ($input, $output, $control, $local, @rest) = unpack 'L4 C*', $settings;
  $input &= ~(01 | 02 | 010 | 040 | 0100 | 0200 | 0400 | 02000);
  $output &= ~01;
  $local &= ~(0100 | 010 | 02 | 01 | 0100000);
  $control = ($control & ~(060 | 0400)) | 060;
  ioctl STDIN, 0x5402, pack('L4 C*', $input, $output, $control, $local, @rest);
}

1;
