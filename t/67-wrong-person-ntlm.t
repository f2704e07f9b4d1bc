#!/usr/bin/perl
# Nobody acts as anybody else: NTLM, which authenticates connections and not requests.
use strict;
use warnings;
use FindBin qw($Bin);
use Test::More;
use lib "$Bin/lib";
use Crowd;

my @ntlm = (sim => [qw(--auth ntlm)], location => 'OwaCalIdentity basic upstream=ntlm');
Crowd::play(name => 'event, HTTP/1.1, upstream=ntlm, a hundred people', mpm => 'event', http => 1, people => 100, @ntlm);
Crowd::play(name => 'worker, HTTP/2, upstream=ntlm with TLS', mpm => 'worker', http => 2, secure => 1, @ntlm);
Crowd::play(name => 'prefork, HTTP/1.1 with TLS, upstream=ntlm', mpm => 'prefork', http => 1, tls => 1, @ntlm);
Crowd::play(name => 'event, HTTP/2 with TLS, upstream=ntlm', mpm => 'event', http => 2, tls => 1, @ntlm);
done_testing();
