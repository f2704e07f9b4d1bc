#!/usr/bin/perl
# Nobody acts as anybody else: passwords shown with every request, and in the logon form's cookies.
use strict;
use warnings;
use FindBin qw($Bin);
use Test::More;
use lib "$Bin/lib";
use Crowd;

Crowd::play(name => 'worker, HTTP/1.1 with TLS, upstream=basic', mpm => 'worker', http => 1, tls => 1,
    sim => [qw(--auth basic --connection-bound)], location => 'OwaCalIdentity basic upstream=basic');
Crowd::play(name => 'event, HTTP/2 with TLS, upstream=forms with TLS', mpm => 'event', http => 2, tls => 1, secure => 1,
    sim => [qw(--auth forms)], location => 'OwaCalIdentity basic upstream=forms');
Crowd::play(name => 'prefork, HTTP/1.1, upstream=forms', mpm => 'prefork', http => 1,
    sim => [qw(--auth forms --set fba-parts=2)], location => 'OwaCalIdentity basic upstream=forms');
done_testing();
