#!/usr/bin/perl -w
# Does for the agent what Node has no function for: mounts, and network interfaces, addresses and routes (rtnetlink(7)).
#
#   steward.pl DIRECTORY PID     what it serves: a runtime's directory, by a process
#
# Standard input is requests, each after its length in four bytes: a list of steps, as the launcher's are. One of
#
#   in DIRECTORY                         where relative paths of this request begin
#   mount SOURCE PATH TYPE FLAGS DATA    mount(2)
#   unmount PATH                         at once, whoever still uses it
#   enter PID                            network: what follows is for the namespace of that process
#   send MESSAGE                         network: a message of rtnetlink.ts, which is acknowledged
#   send MESSAGE OFFSET NAME             the same, with the number of an interface at an offset
#   filter MESSAGES                      network: a batch of outwards-filter.ts for the packet filter
#
# Meanwhile it has a sealed copy of Perl open as descriptor SEALED, from which the agent runs supervisors and the launcher (sealed.pl).
#
# Each request is answered by a line: the position of the first step that failed, the number of the error, and words; or `done`. It ends with its
# standard input, after what has been asked.
use strict;

BEGIN {
  my $here = ($0 =~ m{^(.*)/}s)[0] // '.';
  require "$here/$_.pl" for qw(kernel sealed);
}

sub AF_INET      () { 2 }
sub AF_NETLINK   () { 16 }
sub SOCK_DGRAM   () { 2 }
sub SOCK_RAW     () { 3 }
sub NETLINK_ROUTE () { 0 }
sub NETLINK_NETFILTER () { 12 }
sub SIOCGIFINDEX () { 0x8933 }
sub NLMSG_ERROR  () { 2 }
sub ENODEV       () { 19 }
sub MNT_DETACH   () { 2 }
sub NOFOLLOW     () { 8 }
# steward.ts knows it.
sub SEALED       () { 100 }

my %verbs = (in => \&go, mount => \&mount, unmount => \&unmount, enter => \&enter, send => \&deliver, filter => \&filter);

open my $own, '<', '/proc/self/ns/net' or die "/proc/self/ns/net: $!\n";
my $copy = Sealed::copy();
fcntl($copy, 1030, SEALED) == SEALED or die "cannot keep a copy of Perl: $!\n";    # F_DUPFD_CLOEXEC
close $copy;
my $here = connected(NETLINK_ROUTE);
my $kernel = $here;

$SIG{PIPE} = 'IGNORE';
while (defined(my $request = read_request())) {
  my $answer = carry_out(map { [unpack '(N/a*)*', $_] } unpack '(N/a*)*', $request);
  # An agent that has died hears nothing; what it had asked for is done.
  syswrite STDOUT, "$answer\n";
}

sub carry_out {
  my $position = 0;
  my $isDone = eval {
    chdir '/' or die "/: $!\n";
    for (@_) {
      my ($verb, @values) = @$_;
      ($verbs{$verb} or die "unknown step: $verb\n")->(@values);
      $position++;
    }
    1;
  };
  my $reason = $@;
  if ($kernel != $here) {
    Kernel::call('setns', fileno $own, 0);
    $kernel = $here;
  }
  return 'done' if $isDone;
  return "$position " . (ref $reason ? "$reason->{number} $reason->{words}" : "0 $reason" =~ s/\n//gr);
}

sub fail {
  my ($number) = @_;
  $! = $number;
  die { number => 0 + $!, words => "$!" };
}

sub go { chdir $_[0] or fail($!) }

sub mount {
  my ($source, $path, $type, $flags, $data) = @_;
  Kernel::try('mount', $source, $path, $type, 0 + $flags, $data) // fail($!);
}

sub unmount { Kernel::try('umount2', $_[0], MNT_DETACH | NOFOLLOW) // fail($!) }

sub enter {
  my ($pid) = @_;
  open my $namespace, '<', "/proc/$pid/ns/net" or fail($!);
  Kernel::call('setns', fileno $namespace, 0);
  $kernel = connected(NETLINK_ROUTE);
}

sub deliver {
  my ($message, $offset, $name) = @_;
  if (defined $name) { substr $message, $offset, 4, pack 'l', number_of($name) }
  defined send $kernel, $message, 0 or fail($!);
  acknowledged($kernel);
}

# All of it or nothing. Its last message alone is acknowledged; what goes wrong is told of any.
sub filter {
  my ($messages) = @_;
  my $netfilter = connected(NETLINK_NETFILTER);
  defined send $netfilter, $messages, 0 or fail($!);
  acknowledged($netfilter);
}

sub acknowledged {
  my ($socket) = @_;
  defined recv $socket, my $answer, 65536, 0 or fail($!);
  my ($type, $error) = unpack 'x4 S x10 l', $answer;
  die "unexpected answer: $type\n" if $type != NLMSG_ERROR;
  fail(-$error) if $error != 0;
}

sub number_of {
  my ($name) = @_;
  socket my $any, AF_INET, SOCK_DGRAM, 0 or fail($!);
  my $request = pack 'a16 x24', $name;
  ioctl $any, SIOCGIFINDEX, $request or fail(ENODEV);
  return unpack 'x16 l', $request;
}

sub connected {
  my ($protocol) = @_;
  socket my $socket, AF_NETLINK, SOCK_RAW, $protocol or die "netlink: $!\n";
  return $socket;
}

# Undef: there are no more.
sub read_request {
  my $length = read_bytes(4) // return undef;
  return read_bytes(unpack 'N', $length);
}

sub read_bytes {
  my ($wanted) = @_;
  my $bytes = '';
  while (length $bytes < $wanted) {
    my $read = sysread STDIN, $bytes, $wanted - length $bytes, length $bytes;
    return undef if defined $read && $read == 0;
    die "standard input: $!\n" unless defined $read || $! == 4;
  }
  return $bytes;
}
