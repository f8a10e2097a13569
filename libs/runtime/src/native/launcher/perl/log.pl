# A container's log, in the format of CRI: `<time> <stream> <P or F> <text>`, where P is a line that goes on. A log that would grow too large is
# begun anew before it does; the older ones are `<log>.1`, and so on.
package Log;
use strict;

# @param $limit, $files of bytes, and of logs together; undef: somebody else sees to it
sub open {
  my ($class, $path, $limit, $files) = @_;
  my $self = bless { path => $path, limit => $limit, files => $files // 5, lost => 0 }, $class;
  $self->reopen;
  return $self;
}

sub reopen {
  my ($self) = @_;
  CORE::open $self->{file}, '>>', $self->{path} or die "$self->{path}: $!\n";
  chmod 0600, $self->{path};
  $self->{size} = -s $self->{file};
}

sub add {
  my ($self, $stream, $bytes) = @_;
  my ($seconds, $nanoseconds) = Kernel::now();
  my ($second, $minute, $hour, $day, $month, $year) = gmtime $seconds;
  my $head = sprintf '%04d-%02d-%02dT%02d:%02d:%02d.%09dZ %s ', $year + 1900, $month + 1, $day, $hour, $minute, $second, $nanoseconds, $stream;
  my $text = '';
  my $start = 0;
  while ((my $end = index $bytes, "\n", $start) >= 0) {
    $text .= $head . 'F ' . substr($bytes, $start, $end - $start + 1);
    $start = $end + 1;
  }
  $text .= $head . 'P ' . substr($bytes, $start) . "\n" if $start < length $bytes;
  $self->put($head, $text);
}

# A disk that is full loses lines, which is told in the log when there is room again: the container goes on.
sub put {
  my ($self, $head, $text) = @_;
  $self->rotate if defined $self->{limit} && $self->{size} > 0 && $self->{size} + length $text > $self->{limit};
  if ($self->{lost} > 0) { $text = "\n${head}F [$self->{lost} bytes of the log were lost: $self->{reason}]\n$text" }
  my $done = 0;
  while ($done < length $text) {
    my $written = syswrite $self->{file}, $text, length($text) - $done, $done;
    if (defined $written) { $done += $written; next }
    next if $! == 4;
    $self->{lost} += length($text) - $done;
    $self->{reason} = "$!";
    last;
  }
  $self->{lost} = 0 if $done == length $text;
  $self->{size} += $done;
}

sub rotate {
  my ($self) = @_;
  my @names = map { $_ == 0 ? $self->{path} : "$self->{path}.$_" } 0 .. $self->{files} - 1;
  for my $number (reverse 1 .. $#names) { rename $names[$number - 1], $names[$number] }
  $self->reopen;
}

sub close {
  my ($self) = @_;
  CORE::close $self->{file};
}

1;
