# Files that others read while they are written.
package Files;
use strict;

# It appears whole, by a rename. What is written until then may have a place elsewhere.
sub replace {
  my ($path, $text, $temporary) = @_;
  $temporary //= "$path.new";
  open my $file, '>', $temporary or die "$path: $!\n";
  print {$file} $text;
  close $file or die "$path: $!\n";
  rename $temporary, $path or die "$path: $!\n";
}

1;
