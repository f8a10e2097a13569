# What the launcher remembers of a container between its commands: a directory with the first process and the cgroups.
package State;
use strict;

sub new {
  my ($class, $root, $id) = @_;
  return bless { directory => "$root/$id" }, $class;
}

sub directory { return $_[0]{directory} }

sub make {
  my ($self) = @_;
  my ($root) = $self->{directory} =~ m{^(.*)/}s;
  mkdir $root, 0700;
  mkdir $self->{directory}, 0700 or die $! == 17 ? "there is a container of that name\n" : "$self->{directory}: $!\n";
}

sub set_main {
  my ($self, $pid) = @_;
  $self->put('main', join ' ', $pid, start_time($pid) // '');
}

# The number of the container's first process. Undef: it has ended.
sub main {
  my ($self) = @_;
  my ($pid, $time) = split / /, $self->get('main') // return undef;
  return defined start_time($pid) && start_time($pid) eq $time ? 0 + $pid : undef;
}

sub add_group {
  my ($self, $directory) = @_;
  $self->put('groups', join "\n", $self->groups, $directory);
}

sub groups {
  my ($self) = @_;
  return split /\n/, $self->get('groups') // '';
}

# Kills what runs, and forgets the container. Safe to repeat.
sub remove {
  my ($self) = @_;
  return unless -d $self->{directory};
  my $main = $self->main;
  kill 9, $main if defined $main;
  for my $directory ($self->groups) {
    # What shares its process namespace with others does not end with the first process.
    for my $try (1 .. 1000) {
      my @left = processes_of($directory);
      kill 9, @left;
      last if rmdir $directory or $! == 2;
      select undef, undef, undef, $try < 100 ? 0.002 : 0.02;
    }
    die "cannot remove cgroup $directory: $!\n" if -d $directory;
  }
  for my $try (1 .. 1000) {
    last unless defined $self->main;
    select undef, undef, undef, 0.01;
  }
  unlink "$self->{directory}/$_" for qw(main groups start);
  rmdir $self->{directory} or die "cannot remove $self->{directory}: $!\n";
}

sub processes_of {
  my ($directory) = @_;
  open my $file, '<', "$directory/cgroup.procs" or return ();
  return map { 0 + $_ } grep { /^[1-9]/ } <$file>;
}

# In ticks since boot: tells a process from a later one of the same number. Undef: there is none, or a zombie.
sub start_time {
  my ($pid) = @_;
  open my $file, '<', "/proc/$pid/stat" or return undef;
  my $line = <$file> // return undef;
  my @fields = split / /, substr $line, rindex($line, ')') + 2;
  return $fields[0] =~ /[ZX]/ ? undef : $fields[19];
}

sub get {
  my ($self, $name) = @_;
  open my $file, '<', "$self->{directory}/$name" or return undef;
  local $/;
  return <$file>;
}

sub put {
  my ($self, $name, $text) = @_;
  Files::replace("$self->{directory}/$name", $text);
}

1;
