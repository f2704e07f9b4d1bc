package SimClient;

# A small WebDAV client for the tests of the simulator: right by default, wrong on demand. It sits
# on SimRun's raw connections and reads multistatus replies by namespace, with prefixes ignored.
#
#   my $alice = SimClient->new($sim, 'alice');          # Basic, password pw-alice
#   my $r = $alice->do(MOVE => '/exchange/alice/Drafts/x.EML', { Destination => ... });
#   my @rows = $alice->propfind('/exchange/alice/', 0, 'mail:inbox', 'mail:calendar');
#   my ($inner, $r) = $alice->put_props($path, { 'cal:dtstart' => '2027-..Z' }, %headers);
#   $rows[0]{href}, {status}, {ok}{'mail:inbox'}, {missing}{'..'}, {failed}{'..'} = 424
#
# Properties are written prefix:name, with the prefixes of %NS.

use strict;
use warnings;
use MIME::Base64 qw(encode_base64);

our %NS = (
    D => 'DAV:', e => 'http://schemas.microsoft.com/exchange/', cal => 'urn:schemas:calendar:',
    mail => 'urn:schemas:httpmail:', header => 'urn:schemas:mailheader:',
    mapi => 'http://schemas.microsoft.com/mapi/',
    tag => 'http://schemas.microsoft.com/mapi/proptag/', repl => 'http://schemas.microsoft.com/repl/',
    meeting => 'http://schemas.microsoft.com/mapi/id/{6ED8DA90-450B-101B-98DA-00AA003F1305}/',
    appt => 'http://schemas.microsoft.com/mapi/id/{00062002-0000-0000-C000-000000000046}/',
    x => 'urn:x-test:',
);
my %PREFIX = reverse %NS;
our $IE = 'Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.2; SV1)';
my %TYPE = (
    'cal:dtstart' => 'dateTime.tz', 'cal:dtend' => 'dateTime.tz', 'cal:dtstamp' => 'dateTime.tz',
    'cal:instancetype' => 'int', 'cal:sequence' => 'int', 'cal:reminderoffset' => 'int',
    'cal:alldayevent' => 'boolean', 'cal:responserequested' => 'boolean',
    'cal:isorganizer' => 'boolean', 'mapi:finvited' => 'boolean',
    (map { ("mapi:$_" => 'int') } qw(responsestatus responsestate apptstateflags busystatus
        intendedbusystatus)),
    'mapi:response_requested' => 'boolean', 'meeting:0x3' => 'bin.base64',
    'meeting:0x23' => 'bin.base64',
);

sub new {
    my ($class, $sim, $user) = @_;
    return bless { sim => $sim, user => $user }, $class;
}

sub do {
    my ($self, $method, $path, $headers, $body) = @_;
    my %h = %{ $headers || {} };
    $h{Authorization} //= 'Basic ' . encode_base64("$self->{user}:pw-$self->{user}", '')
        if $self->{user};
    $h{'Content-Length'} //= length($body // '') if defined $body || $method =~ /POST|PUT|MOVE|COPY/;
    my $r;
    for (1 .. 2) {    # a kept connection may have gone
        $self->{c} ||= $self->{sim}->connect;
        $r = $self->{c}->request($method, $path, \%h, $body);
        last if $r->{status};
        delete $self->{c};
    }
    delete $self->{c} if lc($r->{headers}{connection}[0] // '') eq 'close';
    return $r;
}

sub esc {
    my $s = shift;
    $s =~ s/&/&amp;/g;
    $s =~ s/</&lt;/g;
    return $s;
}

sub declarations { return join ' ', map { qq(xmlns:$_="$NS{$_}") } sort keys %NS }

# Names that begin with a digit are written as a published client writes them.
sub tag { my ($n) = @_; $n =~ s/:(\d)/':_x003' . $1 . '_'/e; return $n }

sub propfind {
    my ($self, $path, $depth, @names) = @_;
    my %h = ('Content-Type' => 'text/xml', Depth => $depth);
    if (ref $names[-1]) { %h = (%h, %{ pop @names }) }
    my $r = $self->do(PROPFIND => $path, \%h,
        '<?xml version="1.0"?><D:propfind ' . declarations() . '>'
            . (@names ? '<D:prop>' . join('', map { '<' . tag($_) . '/>' } @names) . '</D:prop>' : '<D:allprop/>')
            . '</D:propfind>');
    $self->{last} = $r;
    return $r->{status} == 207 ? multistatus($r->{body}) : ();
}

sub prop_xml {
    my ($name, $v) = @_;
    my ($type, $value) = ref $v eq 'ARRAY' ? @$v : ($TYPE{$name}, $v);
    my $t = tag($name);
    my $dt = defined $type && $type ne '' ? qq( dt:dt="$type") : '';
    return "<$t$dt>" . (ref $value eq 'ARRAY' ? join('', map { '<v:v>' . esc($_) . '</v:v>' } @$value) : esc($value)) . "</$t>";
}

sub patch_body {
    my ($set, $remove) = @_;
    my $dt = 'xmlns:dt="urn:uuid:c2f41010-65b3-11d1-a29f-00aa00c14882/" xmlns:v="xml:"';
    return '<?xml version="1.0"?><D:propertyupdate ' . declarations() . " $dt>"
        . (%$set ? '<D:set><D:prop>' . join('', map { prop_xml($_, $set->{$_}) } sort keys %$set) . '</D:prop></D:set>' : '')
        . ($remove ? '<D:remove><D:prop>' . join('', map { '<' . tag($_) . '/>' } @$remove) . '</D:prop></D:remove>' : '')
        . '</D:propertyupdate>';
}

# The inner status (201 made; 200 also when no status element says otherwise), or 0 with the reply.
sub put_props {
    my ($self, $path, $set, %h) = @_;
    my $remove = delete $h{remove};
    my $r = $self->do(PROPPATCH => $path, { 'Content-Type' => 'text/xml', %h }, patch_body($set, $remove));
    my ($row) = $r->{status} == 207 ? multistatus($r->{body}) : ();
    $self->{last} = $r;
    $self->{row} = $row;
    return wantarray ? ($row ? $row->{status} || 200 : 0, $r, $row) : $row ? $row->{status} || 200 : 0;
}

sub search {
    my ($self, $path, $sql, %h) = @_;
    my $r = $self->do(SEARCH => $path, { 'Content-Type' => 'text/xml', %h },
        '<?xml version="1.0"?><D:searchrequest xmlns:D="DAV:"><D:sql>' . esc($sql) . '</D:sql></D:searchrequest>');
    $self->{last} = $r;
    return $r->{status} == 207 ? multistatus($r->{body}) : ();
}

sub full { my ($n) = @_; my ($p, $l) = split /:/, $n, 2; return $NS{$p} . $l }

# What the mailbox holds, from the simulator's own books: items with properties by short name.
sub items {
    my ($self, $mailbox, $folder) = @_;
    my $m = $self->{sim}->control(GET => "/_sim/mailbox/$mailbox?folder=$folder");
    return map {
        my %p = %{ $_->{properties} };
        +{ %$_, p => { map { (short($_) => $p{$_}) } keys %p } }
    } @{ $m->{folders}[0]{items} };
}

sub short {
    my ($full) = @_;
    my ($ns, $local) = $full =~ m{^(.*[:/])([^:/]+)$};
    return ($PREFIX{ $ns // '' } // $ns // '') . ':' . ($local // $full);
}

sub wrong { my ($r) = @_; return join '; ', @{ $r->{headers}{'x-sim-wrong'} || [] } }

sub set { my ($self, %s) = @_; $self->{sim}->control(POST => '/_sim/settings?' . join '&', map { "$_=" . SimRun::escape($s{$_}) } keys %s) }
sub reset { $_[0]{sim}->control(POST => '/_sim/reset') }
sub url { my ($self, $path) = @_; (my $u = $self->{sim}{url}) =~ s{/$}{}; return $u . $path }

# ---- meetings, as KB 308373 makes them ----

my $n = 0;
sub name { return sprintf 'test-%d-%04d.EML', $$, ++$n }

sub appointment {
    my (%more) = @_;
    return {
        'D:contentclass' => 'urn:content-classes:appointment', 'e:outlookmessageclass' => 'IPM.Appointment',
        'mail:subject' => 'Review', 'cal:location' => 'Boardroom', 'cal:dtstart' => '2027-03-05T09:00:00.000Z',
        'cal:dtend' => '2027-03-05T10:00:00.000Z', 'cal:instancetype' => 0, 'cal:busystatus' => 'BUSY',
        'cal:meetingstatus' => 'CONFIRMED', 'cal:alldayevent' => 0, %more };
}

sub meeting { return appointment('cal:responserequested' => 1, 'mapi:finvited' => 1, 'header:to' => 'bob@example.test', @_) }

sub request {
    return meeting('D:contentclass' => 'urn:content-classes:calendarmessage',
        'e:outlookmessageclass' => 'IPM.Schedule.Meeting.Request', 'cal:isorganizer' => 1,
        'mapi:responsestatus' => 1, 'mapi:apptstateflags' => 3, 'mapi:busystatus' => 1, 'mapi:intendedbusystatus' => 2, @_);
}

# Makes `props` as a draft and moves it to the submission URI. The reply of the MOVE.
sub send_props {
    my ($self, $props, %h) = @_;
    my $draft = "/exchange/$self->{user}/Drafts/" . name();
    $self->put_props($draft, $props, 'If-None-Match' => '*') == 201 or return $self->{last};
    $self->{draft} = $draft;
    return $self->do(MOVE => $draft, { Destination => $self->url("/exchange/$self->{user}/%23%23DavMailSubmissionURI%23%23/"), %h });
}

# A whole meeting: item in the calendar, uid read back, request sent. Path and uid.
sub invite {
    my ($self, %more) = @_;
    my $path = "/exchange/$self->{user}/Calendar/" . name();
    $self->put_props($path, meeting(%more), 'If-None-Match' => '*') == 201 or return;
    my ($row) = $self->propfind($path, 0, 'cal:uid');
    my $uid = $row->{ok}{'cal:uid'};
    my $r = $self->send_props(request(%more, 'cal:uid' => $uid));
    return $r->{status} =~ /^2/ ? ($path, $uid) : ();
}

# ---- multistatus ----

sub unesc {
    my $s = shift;
    my %e = (lt => '<', gt => '>', amp => '&', quot => '"', apos => "'");
    $s =~ s/&(?:#x([0-9a-fA-F]+)|#(\d+)|(\w+));/defined $1 ? chr hex $1 : defined $2 ? chr $2 : $e{$3}/ge;
    return $s;
}

# Elements as nested [name with prefix of %NS, attributes, children and text]; dies on text that is
# not well-formed (names that begin with a digit excepted).
sub parse {
    my ($xml) = @_;
    my @stack = ([ '', {}, [], {} ]);
    $xml =~ s/^\s*<\?xml.*?\?>//s;
    while ($xml =~ m{\G(?:([^<]+)|<(/?)([^\s/>]+)((?:\s+[^\s=]+="[^"]*")*)\s*(/?)>)}gcs) {
        if (defined $1) { push @{ $stack[-1][2] }, unesc($1); next }
        my ($end, $name, $attrs, $empty) = ($2, $3, $4, $5);
        if ($end) {
            my $e = pop @stack;
            die "</$name> closes <$e->[4]>\n" if $name ne $e->[4];
            next;
        }
        my %ns = %{ $stack[-1][3] };
        my %a;
        while ($attrs =~ /([^\s=]+)="([^"]*)"/g) {
            my ($k, $v) = ($1, unesc($2));
            if ($k =~ /^xmlns(?::(.*))?$/) { $ns{ $1 // '' } = $v } else { $a{$k} = $v }
        }
        my ($p, $l) = $name =~ /^([^:]+):(.+)$/ ? ($1, $2) : ('', $name);
        die "prefix $p is not declared\n" if $p ne '' && !exists $ns{$p};
        my $uri = $ns{$p} // '';
        my $e = [ ($uri eq '' ? '' : ($PREFIX{$uri} // $uri) . ':') . $l, \%a, [], \%ns, $name ];
        push @{ $stack[-1][2] }, $e;
        push @stack, $e unless $empty;
    }
    die "not well-formed at " . substr($xml, pos($xml) // 0, 40) . "\n" if (pos($xml) // 0) < length $xml || @stack > 1;
    return (grep { ref } @{ $stack[0][2] })[0];
}

sub children { my ($e, $name) = @_; return grep { ref && (!defined $name || $_->[0] eq $name) } @{ $e->[2] } }
sub text { my ($e) = @_; return $e ? join '', map { ref $_ ? text($_) : $_ } @{ $e->[2] } : undef }

sub multistatus {
    my ($xml) = @_;
    my $root = parse($xml);
    die "no multistatus but $root->[0]\n" unless $root->[0] eq 'D:multistatus';
    return map {
        my $response = $_;
        my ($status) = (text((children($response, 'D:status'))[0]) // '') =~ / (\d{3})/;
        my %row = (href => text((children($response, 'D:href'))[0]), status => $status, ok => {}, missing => {}, failed => {}, type => {});
        for my $ps (children($response, 'D:propstat')) {
            my @kids = children($ps);
            die "status does not come first in a propstat\n" unless $kids[0][0] eq 'D:status';
            my ($code) = text($kids[0]) =~ / (\d{3})/;
            for my $p (map { children($_) } children($ps, 'D:prop')) {
                my @v = grep { $_->[0] eq 'xml::v' } children($p);
                my $value = @v ? [ map { text($_) } @v ] : text($p);
                if ($code == 200) { $row{ok}{ $p->[0] } = $value; ($row{type}{ $p->[0] }) = values %{ $p->[1] } }
                elsif ($code == 404) { $row{missing}{ $p->[0] } = 1 }
                else { $row{failed}{ $p->[0] } = $code }
            }
        }
        \%row;
    } children($root, 'D:response');
}

sub path_of { my ($href) = @_; $href =~ s{^https?://[^/]+}{}; return $href }

1;
