# Sockets of the machine's network, for a process that is not in it. A request is a packet on a Unix socket; the answer is a packet with a descriptor, or
# with the number of an error:
#
#   dial ADDRESS            a TCP socket that is being connected
#   resolver tcp|udp        the same to the first name server of this machine
#   listen tcp|udp ADDRESS  one that is bound, and listens
#
# Addresses are struct sockaddr_in, in hexadecimal. Sockets do not block.
package Sockets;
use strict;
use warnings;

use constant { AF_INET => 2, SOCK_STREAM => 1, SOCK_DGRAM => 2, SOL_SOCKET => 1, SO_REUSEADDR => 2, EINPROGRESS => 115 };
use constant { EACCES => 13, EINVAL => 22, EDESTADDRREQ => 89 };

my %kinds = (tcp => SOCK_STREAM, udp => SOCK_DGRAM);

# Answers until the other side has gone.
sub serve {
  my ($channel) = @_;
  while ((my $request = receive($channel)) ne '') {
    my $socket = eval { answer(split / /, $request) };
    if (defined $socket) { Kernel::send_descriptor(fileno $channel, fileno $socket) }
    else { send $channel, 0 + ($@ =~ /^(\d+)/ ? $1 : EINVAL), 0 }
  }
}

# Asks the other side. @return a socket; undef, with the reason in $!
sub ask {
  my ($channel, $request) = @_;
  send $channel, $request, 0 or return undef;
  my ($descriptor, $said) = Kernel::receive_descriptor(fileno $channel);
  if (!defined $descriptor) { $! = 0 + ($said // EINVAL); return undef }
  open my $socket, '+<&=', $descriptor or return undef;
  return $socket;
}

# A packet; empty: the other side has gone.
sub receive {
  my ($channel) = @_;
  while (1) {
    return $_ if defined recv $channel, $_, 4096, 0;
    return '' unless $! == 4;
  }
}

sub answer {
  my ($what, @more) = @_;
  if ($what eq 'dial') {
    my ($address) = map { pack 'H*', $_ } @more;
    # What listens on this machine's loopback trusts whoever can get there.
    fail(EACCES) if (unpack 'x4 C', $address) =~ /^(?:0|127|22[4-9]|2[345]\d)$/;
    return connected(SOCK_STREAM, $address);
  }
  if ($what eq 'resolver') {
    return connected($kinds{ $more[0] } // fail(EINVAL), resolver());
  }
  if ($what eq 'listen') {
    my ($kind, $address) = ($kinds{ $more[0] } // fail(EINVAL), pack 'H*', $more[1]);
    my $socket = made($kind);
    setsockopt $socket, SOL_SOCKET, SO_REUSEADDR, 1 if $kind == SOCK_STREAM;
    bind $socket, $address or fail($!);
    listen $socket, 512 or fail($!) if $kind == SOCK_STREAM;
    return $socket;
  }
  fail(EINVAL);
}

sub connected {
  my ($kind, $address) = @_;
  my $socket = made($kind);
  connect $socket, $address or $! == EINPROGRESS or fail($!);
  return $socket;
}

sub made {
  my ($kind) = @_;
  socket my $socket, AF_INET, $kind, 0 or fail($!);
  unblock($socket);
  return $socket;
}

# O_NONBLOCK
sub unblock { fcntl $_[0], 4, fcntl($_[0], 3, 0) | 04000 }

# It is looked up each time: a machine changes its network.
sub resolver {
  open my $file, '<', '/etc/resolv.conf' or fail($!);
  while (my $line = <$file>) {
    my @parts = $line =~ /^\s*nameserver\s+(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\s*$/ or next;
    return pack 'S n C4 x8', AF_INET, 53, @parts;
  }
  fail(EDESTADDRREQ);
}

sub fail { die 0 + $_[0], "\n" }

1;
