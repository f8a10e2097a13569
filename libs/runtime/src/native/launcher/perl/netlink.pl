#!/usr/bin/perl
# Tells the kernel of network interfaces, addresses and routes (rtnetlink(7)). Standard input is a list of steps, as the launcher's are:
#
#   send MESSAGE                 a message of rtnetlink.ts, which is acknowledged
#   send MESSAGE OFFSET NAME     the same, with the number of an interface at an offset
#   enter PID                    what follows is for the network namespace of that process
#   filter MESSAGES              a batch of outwards-filter.ts for the packet filter
#
# At the first message that fails its position among the steps and the number of the error are written to standard output.
use strict;
use warnings;

BEGIN {
  my $here = ($0 =~ m{^(.*)/}s)[0] // '.';
  require "$here/kernel.pl";
}

use constant { AF_INET => 2, AF_NETLINK => 16, SOCK_DGRAM => 2, SOCK_RAW => 3, NETLINK_ROUTE => 0, NETLINK_NETFILTER => 12, SIOCGIFINDEX => 0x8933, NLMSG_ERROR => 2, ENODEV => 19 };

my ($kernel, $position) = (connected(NETLINK_ROUTE), 0);
local $/;
for my $step (map { [unpack '(N/a*)*', $_] } unpack '(N/a*)*', <STDIN>) {
  my ($verb, @values) = @$step;
  if ($verb eq 'enter') { enter(@values) }
  elsif ($verb eq 'send') { deliver(@values) }
  elsif ($verb eq 'filter') { filter(@values) }
  else { die "unknown step: $verb\n" }
  $position++;
}

sub enter {
  my ($pid) = @_;
  open my $namespace, '<', "/proc/$pid/ns/net" or die "/proc/$pid/ns/net: $!\n";
  Kernel::call('setns', fileno $namespace, 0);
  $kernel = connected(NETLINK_ROUTE);
}

sub deliver {
  my ($message, $offset, $name) = @_;
  if (defined $name) { substr $message, $offset, 4, pack 'l', number_of($name) // fail(ENODEV) }
  defined send $kernel, $message, 0 or die "send: $!\n";
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
  defined recv $socket, my $answer, 65536, 0 or die "recv: $!\n";
  my ($type, $error) = unpack 'x4 S x10 l', $answer;
  die "unexpected answer: $type\n" if $type != NLMSG_ERROR;
  fail(-$error) if $error != 0;
}

sub fail {
  my $error = 0 + $_[0];
  $! = $error;
  print "$position $error $!\n";
  exit 1;
}

# Undef: there is no such interface.
sub number_of {
  my ($name) = @_;
  socket my $any, AF_INET, SOCK_DGRAM, 0 or die "socket: $!\n";
  my $request = pack 'a16 x24', $name;
  ioctl $any, SIOCGIFINDEX, $request or return undef;
  return unpack 'x16 l', $request;
}

sub connected {
  my ($protocol) = @_;
  socket my $socket, AF_NETLINK, SOCK_RAW, $protocol or die "netlink: $!\n";
  return $socket;
}
