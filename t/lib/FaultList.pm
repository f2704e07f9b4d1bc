package FaultList;

# The faults that t/56-* lets happen at every exchange of an operation, as cases for Faults.

use strict;
use warnings;

# Not executed.
our @before = (qw(reset-before close-before garbage html-instead-of-xml login-page redirect-away login-expired),
    (map { "status=$_" } 401, 403, 404, 409, 412, 423, 424, 440, 500, 502, 503, 507), (map { "inner=$_" } 403, 404, 412, 423, 507));
# Executed, but the answer suffers.
our @after = (qw(reset-after-write cut=0 cut=30 truncated malformed-xml doctype close-silently wrong-charset=utf-16),
    'status-after=500', 'status-after=503');
# Executed or not, the answer does not come in time.
our @slow = qw(silence=2 mute=2);
# Of these only the property updates are counted.
our @partly = ('207-partial');

my @connection = qw(reset-before close-before reset-after-write cut=0 cut=30 garbage close-silently);

sub each_time {
    my ($n, @faults) = @_;
    return map { my $fault = $_; map { { name => "$fault at $_ of $n", fault => "$fault:$_" } } 1 .. $n } @faults;
}
sub refused { my ($n) = @_; return each_time($n, @before) }
sub lost { my ($n) = @_; return each_time($n, @after, @slow, @partly) }

# On connections that served requests before: the client cannot know that they will die.
sub on_open_connections {
    my ($n) = @_;
    return map { my $fault = $_; map { { name => "$fault at $_, connections open", fault => "$fault:$_", warm => 1 } } 1 .. $n } @connection;
}

# From the n-th exchange on everything fails. Nothing can be put right any more: only the truth counts.
sub lasting {
    my ($n) = @_;
    return map { my $fault = $_; map { { name => "$fault from $_ on", fault => "$fault:$_-", lasting => 1 } } 1 .. $n }
        qw(reset-before reset-after-write status=503 status=500 mute=2);
}

# A password that the server refused is not sent again for a while, so that a repeat is refused.
sub spoils_password { my ($fault) = @_; return ($fault // '') =~ /401|login-expired/ }

1;
