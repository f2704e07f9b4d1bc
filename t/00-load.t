#!/usr/bin/perl
# The built module and the simulator: what they export, what they need, and that httpd takes them
# with each of its process models.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use Test::More;

my $top = abs_path(dirname(__FILE__) . '/..');
my ($httpd) = grep { -x } map { "$_/apache2" } qw(/usr/sbin /usr/local/sbin),
    split /:/, $ENV{PATH} // '';
BAIL_OUT('no apache2 program here: .ci/packages check installs it') if !$httpd;
my $modules = '/usr/lib/apache2/modules';

my $module    = $ENV{OWACAL_MODULE} // "$top/.libs/mod_owacal.so";
my $simulator = $ENV{OWASIM_MODULE} // "$top/.build/sim/mod_owasim.so";
my $dir       = tempdir(CLEANUP => 1);

# What a module may be linked with: the libraries of the design, and the system's own.
my $allowed = qr/^(?:libcurl|libxml2|libical|libicu\w+|libjansson|libgssapi_krb5|libkrb5|libcrypto
                  |libc|libm|libpthread|ld-linux[\w-]*)\.so\b/x;

sub config_test {
    my ($name, @lines) = @_;
    my $file = "$dir/$name.conf";
    open my $out, '>', $file or die "$file: $!";
    print {$out} map { "$_\n" } "ServerRoot $dir", "ServerName localhost", "PidFile $dir/pid",
        "ErrorLog $dir/error.log", @lines;
    close $out or die "$file: $!";
    my $said = `'$httpd' -t -f '$file' 2>&1`;
    return ($? >> 8, $said);
}

for ([owacal => $module], [owasim => $simulator]) {
    my ($name, $file) = @$_;
    subtest "mod_$name.so" => sub {
        if (!-e $file) {
            fail("$file is built (make -f Makefile.apxs all sim)");
            return;
        }
        my @exported = map { (split)[-1] } `nm -D --defined-only '$file'`;
        # The simulator never shares a server with modules that it could disturb.
        @exported = grep { $_ eq 'owasim_module' } @exported if $name eq 'owasim';
        is_deeply(\@exported, ["${name}_module"], 'exports its module record and nothing else');
        my @needed = map { /\(NEEDED\).*\[(.*)\]/ ? $1 : () } `readelf -dW '$file'`;
        ok(scalar(@needed), 'its needed libraries can be read');
        is_deeply([grep { $_ !~ $allowed } @needed], [], 'needs no library beyond those chosen');
        for my $mpm (qw(event worker prefork)) {
            my ($status, $said) = config_test("$name-$mpm",
                "LoadModule mpm_${mpm}_module $modules/mod_mpm_$mpm.so",
                "LoadModule ${name}_module $file");
            is($status, 0, "httpd accepts it with the $mpm MPM") or diag($said);
        }
    };
}

done_testing();
