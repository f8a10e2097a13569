# Who is attached to a container: a socket of packets (SOCK_SEQPACKET) in the working directory.
package Attach;
use strict;

# What a reader may have waiting before he is given up, and what may wait for the container.
sub QUEUE  () { 4 << 20 }
sub INPUT  () { 64 * 1024 }
sub PACKET () { 8 * 1024 }

sub open {
  my ($class) = @_;
  unlink 'attach';
  socket my $listener, 1, 5, 0 or die "socket: $!\n";
  bind $listener, pack('S a108', 1, 'attach') or die "bind: $!\n";
  listen $listener, 16 or die "listen: $!\n";
  return bless { listener => $listener, clients => {}, input => '', isOver => 0 }, $class;
}

# Adds what to wait for to two sets of descriptors.
sub wanted {
  my ($self, $readable, $writable, $takesInput) = @_;
  vec($$readable, fileno $self->{listener}, 1) = 1;
  for my $client (values %{ $self->{clients} }) {
    my $descriptor = fileno $client->{socket};
    vec($$readable, $descriptor, 1) = 1 if $client->{isReading} && (!$takesInput || length $self->{input} < INPUT);
    vec($$writable, $descriptor, 1) = 1 if @{ $client->{queue} };
  }
}

sub serve {
  my ($self, $readable, $writable) = @_;
  for my $client (values %{ $self->{clients} }) {
    my $descriptor = fileno $client->{socket};
    $self->receive($client) if vec $readable, $descriptor, 1;
    $self->flush($client) if vec $writable, $descriptor, 1;
  }
  $self->welcome if vec $readable, fileno $self->{listener}, 1;
}

sub welcome {
  my ($self) = @_;
  accept my $socket, $self->{listener} or return;
  fcntl $socket, 4, 04000 | fcntl $socket, 3, 0;
  $self->{clients}{ fileno $socket } = { socket => $socket, queue => [], size => 0, isReading => 1 };
}

sub receive {
  my ($self, $client) = @_;
  my $read = sysread $client->{socket}, my $bytes, PACKET;
  if ($read) { $self->{input} .= $bytes; return }
  return if !defined $read && ($! == 11 || $! == 4);
  # It has shut its side, and may still read; one that is gone is noticed when it is written to.
  $client->{isReading} = 0;
  $self->{isOver} = 1;
}

# Output for everybody who is there now.
sub tell {
  my ($self, $stream, $bytes) = @_;
  my @clients = values %{ $self->{clients} } or return;
  for (my $start = 0; $start < length $bytes; $start += PACKET) {
    my $packet = chr($stream) . substr $bytes, $start, PACKET;
    for my $client (@clients) { push @{ $client->{queue} }, $packet; $client->{size} += length $packet }
  }
  $self->flush($_) for @clients;
}

sub flush {
  my ($self, $client) = @_;
  while (@{ $client->{queue} }) {
    if (!defined send $client->{socket}, $client->{queue}[0], 0) {
      return if ($! == 11 || $! == 4) && $client->{size} <= QUEUE;
      delete $self->{clients}{ fileno $client->{socket} };
      close $client->{socket};
      return;
    }
    $client->{size} -= length shift @{ $client->{queue} };
  }
}

sub has_input { return $_[0]{input} ne '' }
sub input { return $_[0]{input} }
sub taken { substr($_[0]{input}, 0, $_[1]) = '' }
sub is_input_over { return $_[0]{isOver} && $_[0]{input} eq '' }

# What still waits is sent as far as it is taken within a second.
sub finish {
  my ($self) = @_;
  for (1 .. 100) {
    $self->flush($_) for values %{ $self->{clients} };
    last unless grep { @{ $_->{queue} } } values %{ $self->{clients} };
    select undef, undef, undef, 0.01;
  }
  $self->{clients} = {};
}

1;
