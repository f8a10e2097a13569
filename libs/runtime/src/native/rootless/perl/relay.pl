# Passes on what goes in and out of a network namespace, by sockets on both of its sides: those of the machine come from sockets.pl.
#
# Outwards: TCP connections that the packet filter leads here, whatever their destination was, and questions to name servers. Inwards: ports of the machine
# that were asked for on the Unix socket `relay` in the directory, by a line "listen tcp|udp ADDRESS TARGET" (struct sockaddr_in, in hexadecimal; a target's
# port of 0 is that of the address). The answer is "ok PORT" or "error NUMBER"; the port is open for as long as the connection that has asked for it.
package Relay;
use strict;
use warnings;

use constant { AF_UNIX => 1, AF_INET => 2, SOCK_STREAM => 1, SOCK_DGRAM => 2, SHUT_WR => 1, SOL_IP => 0, IP_FREEBIND => 15 };
use constant { SOL_SOCKET => 1, SO_REUSEADDR => 2, SO_ERROR => 4, SO_KEEPALIVE => 9, SO_LINGER => 13, SO_ORIGINAL_DST => 80 };
use constant { EINTR => 4, EAGAIN => 11, EINPROGRESS => 115, CHUNK => 64 * 1024 };
# Of datagrams; the kernel forgets flows as soon.
use constant { IDLE_SECONDS => 60, MOST_FLOWS => 1024, SWEEP_SECONDS => 10 };

sub new {
  my ($class, $channel, $directory, $outwards, $resolver, $mostFiles) = @_;
  my $self = bless { channel => $channel, outwards => $outwards, free => $mostFiles - 64, sources => {}, swept => time }, $class;
  $self->accepting(bound(SOCK_STREAM, $outwards), sub { $self->dial($_[0]) });
  $self->accepting(bound(SOCK_STREAM, $resolver), sub { $self->join_outside($_[0], 'resolver tcp') });
  $self->datagrams(bound(SOCK_DGRAM, $resolver), sub { Sockets::ask($channel, 'resolver udp') });
  $self->accepting(control_socket($directory), sub { $self->listen_to($_[0]) });
  return $self;
}

# Never returns: it ends with the process that has the sockets.
sub run {
  my ($self) = @_;
  my $sources = $self->{sources};
  $self->watch($self->{channel}, read => sub { exit 0 });
  while (1) {
    my ($readable, $writable) = ('', '');
    while (my ($descriptor, $source) = each %$sources) {
      vec($readable, $descriptor, 1) = 1 if $source->{read} && (!$source->{may_read} || $source->{may_read}->());
      vec($writable, $descriptor, 1) = 1 if $source->{may_write} && $source->{may_write}->();
    }
    my $found = select $readable, $writable, undef, SWEEP_SECONDS;
    $self->sweep if time - $self->{swept} >= SWEEP_SECONDS;
    next if $found <= 0;
    for my $descriptor (keys %$sources) {
      my $source = $sources->{$descriptor};
      # Another may have closed it meanwhile, and a new one may have its number.
      $source->{write}->() if vec $writable, $descriptor, 1 and $source;
      $source->{read}->() if vec $readable, $descriptor, 1 and $source and ($sources->{$descriptor} // 0) == $source;
    }
  }
}

# --- What is waited for.

sub watch {
  my ($self, $handle, %source) = @_;
  $self->{free}--;
  return $self->{sources}{ fileno $handle } = { handle => $handle, %source };
}

sub forget {
  my ($self, $handle) = @_;
  my $descriptor = fileno $handle // return;
  $self->{free}++ if delete $self->{sources}{$descriptor};
  close $handle;
}

# Connections that come are left in the queue while there are too many.
sub accepting {
  my ($self, $listener, $take) = @_;
  $self->watch($listener, may_read => sub { $self->{free} > 2 }, read => sub {
    accept my $connection, $listener or return;
    Sockets::unblock($connection);
    $take->($connection);
  });
}

# --- Connections.

sub dial {
  my ($self, $client) = @_;
  my $wanted = getsockopt $client, SOL_IP, SO_ORIGINAL_DST;
  return reset_connection($client) if !defined $wanted || substr($wanted, 0, 8) eq substr($self->{outwards}, 0, 8);
  $self->join_outside($client, 'dial ' . unpack 'H*', substr $wanted, 0, 16);
}

sub join_outside {
  my ($self, $client, $request) = @_;
  my $server = Sockets::ask($self->{channel}, $request) // return reset_connection($client);
  $self->join_streams($client, $server);
}

sub join_inside {
  my ($self, $client, $target) = @_;
  socket my $server, AF_INET, SOCK_STREAM, 0 or return reset_connection($client);
  Sockets::unblock($server);
  connect $server, $target or $! == EINPROGRESS or return reset_connection($client);
  $self->join_streams($client, $server);
}

# Bytes and ends go both ways; an end that breaks breaks the other. @param server is being connected
sub join_streams {
  my ($self, $client, $server) = @_;
  my @ends = map { { handle => $_, out => '' } } $client, $server;
  ($ends[0]{peer}, $ends[1]{peer}) = @ends[1, 0];
  $ends[1]{is_connecting} = 1;
  for my $end (@ends) {
    setsockopt $end->{handle}, SOL_SOCKET, SO_KEEPALIVE, 1;
    $self->watch($end->{handle},
      may_read => sub { !$end->{is_over} && !$end->{is_connecting} && !$end->{peer}{is_connecting} && $end->{peer}{out} eq '' },
      read => sub { $self->read_end($end) },
      may_write => sub { $end->{is_connecting} || $end->{out} ne '' },
      write => sub { $self->write_end($end) },
    );
  }
}

sub read_end {
  my ($self, $end) = @_;
  my $peer = $end->{peer};
  my $read = sysread $end->{handle}, $peer->{out}, CHUNK;
  if (!defined $read) { return $! == EAGAIN || $! == EINTR ? undef : $self->break_off($end) }
  $end->{is_over} = 1 if $read == 0;
  $self->write_end($peer);
}

sub write_end {
  my ($self, $end) = @_;
  if ($end->{is_connecting}) {
    return $self->break_off($end) if unpack 'l', getsockopt $end->{handle}, SOL_SOCKET, SO_ERROR;
    delete $end->{is_connecting};
  }
  if ($end->{out} ne '') {
    my $written = syswrite $end->{handle}, $end->{out};
    if (!defined $written) { return $! == EAGAIN || $! == EINTR ? undef : $self->break_off($end) }
    substr $end->{out}, 0, $written, '';
  }
  my $peer = $end->{peer};
  return if $end->{out} ne '' || !$peer->{is_over};
  return $self->close_both($end) if $end->{is_over} && $peer->{out} eq '';
  shutdown $end->{handle}, SHUT_WR;
}

sub break_off {
  my ($self, $end) = @_;
  linger_not($_->{handle}) for $end, $end->{peer};
  $self->close_both($end);
}

sub close_both {
  my ($self, $end) = @_;
  my $peer = delete $end->{peer} // return;
  delete $peer->{peer};
  $self->forget($_->{handle}) for $end, $peer;
}

# --- Datagrams.

# @param open makes the socket by which one sender's go on
sub datagrams {
  my ($self, $port, $open) = @_;
  my %flows;
  push @{ $self->{ports} }, \%flows;
  $self->watch($port, read => sub {
    my $from = recv $port, my $bytes, 65536, 0;
    return if !defined $from;
    my $flow = $flows{$from} //= $self->flow($port, $from, \%flows, $open) // return;
    $flow->{at} = time;
    send $flow->{handle}, $bytes, 0;
  });
  return \%flows;
}

sub flow {
  my ($self, $port, $from, $flows, $open) = @_;
  return undef if keys %$flows >= MOST_FLOWS || $self->{free} <= 2;
  my $handle = $open->() // return undef;
  $self->watch($handle, read => sub {
    # Who refuses is asked anew.
    if (!defined recv $handle, my $bytes, 65536, 0) { delete $flows->{$from}; $self->forget($handle) }
    else { send $port, $bytes, 0, $from }
  });
  return { handle => $handle };
}

sub sweep {
  my ($self) = @_;
  $self->{swept} = time;
  for my $flows (@{ $self->{ports} }) {
    for my $from (grep { $self->{swept} - $flows->{$_}{at} > IDLE_SECONDS } keys %$flows) {
      $self->forget((delete $flows->{$from})->{handle});
    }
  }
}

# --- Ports of the machine.

sub listen_to {
  my ($self, $owner) = @_;
  my ($line, $close) = ('', sub { });
  $self->watch($owner, read => sub {
    my $read = sysread $owner, $line, 256, length $line;
    if (!$read || length $line > 256) { $close->(); return $self->forget($owner) }
    return unless $line =~ s/^listen (tcp|udp) ([0-9a-f]{32}) ([0-9a-f]{32})\n$//;
    my ($kind, $address, $target) = ($1, $2, pack 'H*', $3);
    my $port = Sockets::ask($self->{channel}, "listen $kind $address");
    if (!defined $port) { syswrite $owner, 'error ' . (0 + $!) . "\n"; return }
    my ($number) = unpack 'x2 n', getsockname $port;
    substr $target, 2, 2, pack 'n', $number if substr($target, 2, 2) eq "\0\0";
    $close = $kind eq 'tcp' ? $self->open_stream_port($port, $target) : $self->open_datagram_port($port, $target);
    syswrite $owner, "ok $number\n";
  });
}

# @return what closes it
sub open_stream_port {
  my ($self, $port, $target) = @_;
  $self->accepting($port, sub { $self->join_inside($_[0], $target) });
  return sub { $self->forget($port) };
}

sub open_datagram_port {
  my ($self, $port, $target) = @_;
  my $flows = $self->datagrams($port, sub {
    socket my $socket, AF_INET, SOCK_DGRAM, 0 or return undef;
    Sockets::unblock($socket);
    return connect($socket, $target) ? $socket : undef;
  });
  return sub {
    $self->{ports} = [grep { $_ != $flows } @{ $self->{ports} }];
    $self->forget($_->{handle}) for values %$flows;
    %$flows = ();
    $self->forget($port);
  };
}

# --- Sockets.

# The address may not be there yet.
sub bound {
  my ($kind, $address) = @_;
  socket my $socket, AF_INET, $kind, 0 or die "socket: $!\n";
  setsockopt $socket, SOL_SOCKET, SO_REUSEADDR, 1;
  setsockopt $socket, SOL_IP, IP_FREEBIND, 1;
  bind $socket, $address or die "bind: $!\n";
  listen $socket, 512 or die "listen: $!\n" if $kind == SOCK_STREAM;
  Sockets::unblock($socket);
  return $socket;
}

# A long path does not fit: it is reached by its directory.
sub control_socket {
  my ($directory) = @_;
  chdir $directory or die "$directory: $!\n";
  unlink 'relay';
  socket my $socket, AF_UNIX, SOCK_STREAM, 0 or die "socket: $!\n";
  bind $socket, pack('S a108', AF_UNIX, 'relay') or die "$directory/relay: $!\n";
  listen $socket, 128 or die "listen: $!\n";
  chdir '/' or die "/: $!\n";
  Sockets::unblock($socket);
  return $socket;
}

sub linger_not { setsockopt $_[0], SOL_SOCKET, SO_LINGER, pack 'll', 1, 0 }

sub reset_connection {
  linger_not($_[0]);
  close $_[0];
}

1;
