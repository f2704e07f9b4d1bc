"""Reads iCalendar on standard input with a parser that is not ours (python3-icalendar) and prints what
it found as JSON. Times are turned into UTC by the VTIMEZONE that the calendar itself brings."""
import datetime
import json
import sys

import icalendar
import pytz

raw = sys.stdin.buffer.read()
calendar = icalendar.Calendar.from_ical(raw)
zones = {str(z['TZID']): z.to_tz() for z in calendar.walk('VTIMEZONE')}


def utc(prop):
    value = prop.dt
    if not isinstance(value, datetime.datetime):
        return value.isoformat()
    tzid = prop.params.get('TZID')
    if tzid:
        value = zones[tzid].localize(value.replace(tzinfo=None)).astimezone(pytz.utc)
    return value.strftime('%Y-%m-%dT%H:%M:%SZ')


def event(e):
    out = {k: str(e[k]) for k in ('UID', 'SUMMARY', 'LOCATION', 'DESCRIPTION', 'STATUS', 'CLASS', 'TRANSP',
                                  'SEQUENCE', 'ORGANIZER') if k in e}
    out.update({k: utc(e[k]) for k in ('DTSTART', 'DTEND', 'DTSTAMP', 'CREATED', 'LAST-MODIFIED') if k in e})
    people = e.get('ATTENDEE', [])
    people = people if isinstance(people, list) else [people]
    out['ATTENDEE'] = ['%s %s' % (p, p.params.get('PARTSTAT', '')) for p in people]
    out['ALARMS'] = [str(a['TRIGGER'].dt) for a in e.walk('VALARM')]
    out['TZID'] = e['DTSTART'].params.get('TZID', '')
    out['ERRORS'] = [str(x) for x in e.errors]
    return out


json.dump({
    'PRODID': str(calendar['PRODID']), 'VERSION': str(calendar['VERSION']), 'NAME': str(calendar.get('NAME', '')),
    'zones': sorted(zones), 'events': [event(e) for e in calendar.walk('VEVENT')],
    'errors': [str(x) for x in calendar.errors],
    'longest': max(len(line) for line in raw.split(b'\r\n')),
    'bare': raw.replace(b'\r\n', b'').count(b'\n') + raw.replace(b'\r\n', b'').count(b'\r'),
}, sys.stdout)
