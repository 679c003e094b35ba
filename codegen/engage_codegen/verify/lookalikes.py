"""Strings that have a format, and strings that only look like it.

The first string of each format is valid, so that payloads can be built with it. Sources of the
rules: RFC 3339 with appendix A, 4122, 5321, 6531, 1123, 5890, 2673, 4291, 3986, 3987, 6570, 6901.
"""

_INSTANTS = (
    "2024-02-29T23:59:59Z", "2026-06-30T12:00:00+02:00", "2026-01-02T03:04:05.678-11:30",
    "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "2026-01-02T03:04:05-00:00",
    "2026-01-02t03:04:05z", "2026-01-02T03:04:05.1234567Z", "2026-01-02T03:04:05.1234560Z",
    "2016-12-31T23:59:60Z", "2016-12-31T15:59:60.5-08:00", "2016-12-31T22:59:60Z",
    "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-02T24:00:00Z", "2026-01-02T03:60:00Z",
    "2026-01-02T03:04:61Z", "2026-01-02T03:04:05", "2026-01-02 03:04:05Z", "2026-01-02T03:04Z",
    "2026-01-02T03:04:05+0200", "2026-01-02T03:04:05+02", "2026-01-02T03:04:05+24:00",
    "2026-01-02T03:04:05+12:60", "2026-01-02T03:04:05.Z", "2026-01-02T03:04:05,5Z",
    "2026-1-2T03:04:05Z", "20260102T030405Z", "2026-W01-5T03:04:05Z", "2026-002T03:04:05Z",
    "+02026-01-02T03:04:05Z", "2026-01-02", "1767323045", "0000-01-01T00:00:00Z",
    "2026-01-02T03:04:05 Z", "0000-02-29T00:00:00Z", "0000-02-30T00:00:00Z",
    "2026-01-02T03:04:05+02:00:00", "٢٠٢٦-01-02T03:04:05Z",
)  # fmt: skip
_DAYS = (
    "2024-02-29", "2026-12-31", "0001-01-01", "9999-12-31", "0000-01-01", "2026-02-29",
    "1900-02-29", "2000-02-29", "0000-02-29", "0000-02-30",
    "2026-00-10", "2026-13-01", "2026-01-32", "2026-1-2", "20260102",
    "2026-W01-5", "2026-002", "2026-01", "26-01-02", "2026/01/02", "02-01-2026", "-2026-01-02",
    "2026-01-02T00:00:00Z", "2026-01-02Z", "2026-01-0\u0968",
)  # fmt: skip
_TIMES = (
    "23:59:59Z", "12:00:00+02:00", "03:04:05.678-11:30", "00:00:00-00:00", "12:30:00.1234567Z",
    "12:30:00.1234560Z", "12:30:00z", "23:59:60Z", "22:59:60-01:00", "12:30:60Z", "24:00:00Z",
    "12:60:00Z", "12:00:61Z", "12:00:00", "12:00Z", "12:00:00+02", "12:00:00+24:00",
    "12:00:00+0200", "12:00:00+12:60", "120000Z", "1:00:00Z", "12:00:00.Z", "T12:00:00Z",
    "12:00:00 Z", "1\u0968:00:00Z", "12:00:00,5Z",
)  # fmt: skip
_UUIDS = (
    "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01", "3F0C1A52-7D5E-4B0E-9A64-1C2F5B8E0D01",
    "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "3f0c1a52-7d5e-9b0e-fa64-1c2f5b8e0d01", "3f0c1a527d5e4b0e9a641c2f5b8e0d01",
    "{3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01}", "urn:uuid:3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01",
    "3f0c1a52-7d5e-4b0e-9a641c2f5b8e0d01", "3f0c1a527-d5e-4b0e-9a64-1c2f5b8e0d01",
    "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d0", "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d012",
    "gf0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01",
)  # fmt: skip
_DURATIONS = (
    "P1D", "P1Y2M3DT4H5M6S", "PT36H", "P4W", "PT1M", "P1M", "PT0S", "P0D", "P", "PT", "P1DT",
    "P1YT", "1D", "p1d", "P-1D", "-P1D", "P1.5D", "PT1.5S", "P1W2D", "P1Y1D", "PT1H1S", "P1D2H",
    "P2D1Y", "P1S", "PT1D", "P \u0661D",
)  # fmt: skip
_LONGEST = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])
"""A hostname of 253 characters."""

_MAILS = (
    "kim@example.org", "kim.berg+tag@mail.example.org", "a@b.co", '"kim berg"@example.org',
    "kim@[127.0.0.1]", "kim@[IPv6:::1]", "kim@localhost", "kim", "@example.org", "kim@",
    "kim@@example.org", "kim berg@example.org", ".kim@example.org", "kim.@example.org",
    "k..im@example.org", "kim@example..org", "kim@-example.org", "kim@example.org.", "kim@ex_a.org",
    "Kim <kim@example.org>", "kim@[127.0.0.256]", "k\u00edm@example.org", "kim@ex\u00e4mple.org",
    "\u5b9f\u4f8b@\u5b9f\u4f8b.example", f"{'k' * 65}@example.org",
    "kim@example.org,bo@example.org", '" "@example.org', '"\\ "@example.org', '"\\a"@example.org',
    '"a"b"@example.org', '""@example.org', '"\t"@example.org', "kim@[ipv6:::1]", "kim@[::1]",
    "kim@[IPv6:127.0.0.1]", "kim@[IPv6::1]", "kim@[IPv5:::1]", "kim@[]", "kim@[IPv6:]",
    "kim@[IPv6:1::2:3:4:5:6:7:8]", f"kim@{_LONGEST}", f"kim@{_LONGEST}a", f"{'k' * 64}@example.org",
    '"\u00e9 \u00e9"@example.org', "\u05d0@\u05d0a.org",
)  # fmt: skip
_HOSTS = (
    "www.example.org", "localhost", "a", "xn--nxasmq6b", "1host", "a-b.c-d", "EXAMPLE.org", "",
    "-a.org", "a-.org", "a..b", ".a", "a.", "a_b.org", "a b", f"{'a' * 63}.org", f"{'a' * 64}.org",
    ".".join(["a" * 60] * 5), "ex\u00e4mple.org", "xn--X", "aa--bb.org", "127.0.0.1", "a.org:80",
    "\u5b9f\u4f8b.com", "a\u3002b", "\u302ea.org", "\u30fb", "a\u00b7b", "l\u00b7l",
    _LONGEST, f"{_LONGEST}a", f"{_LONGEST}aa", f"x.{_LONGEST}",
    "\u05d0", "\u05d0a", "a.\u05d0", "1\u05d0", "\u05d01", "\u05d0\u0661", "\u05d0.1a", "a\u05d0.b",
    "\u0627\u06f1\u0661", "ab.\u05d0\u05d1", "1a.\u05d0\u05d1", "3com.\u05d0", "\u05d0\u05d1.a-1",
)  # fmt: skip
_IPV4 = (
    "127.0.0.1", "0.0.0.255", "255.255.255.255", "256.0.0.1", "1.2.3", "1.2.3.4.5", "01.2.3.4",
    "1.2.3.00", "0x7f.0.0.1", "2130706433", "1.2.3.4/8", "1.2.3.-4", " 1.2.3.4", "1.2.3.\u0664",
    "::1",
)  # fmt: skip
_IPV6 = (
    "2001:db8::1", "::", "::1", "1:2:3:4:5:6:7:8", "1::8", "::ffff:192.0.2.1",
    "1:2:3:4:5:6:1.2.3.4", "FE80::A", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8",
    "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", ":::",
    "1::2::3", "12345::", "g::1", "fe80::1%eth0", "::1/64", "[::1]", "::1.2.3", "::256.1.1.1",
    "1.2.3.4", "::01.2.3.4", "1:", ":1", "1::2:3:4:5:6:7:8:9", "\u0661::",
    "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "1::2:3:4:5:6:7:8", "1:2:3:4::5:6:7:8",
    "1:2:3:4:5:6::1.2.3.4", "1:2:3:4:5::1.2.3.4",
)  # fmt: skip
_URIS = (
    "https://example.org/a?b=c#d", "urn:isbn:0451450523", "mailto:kim@example.org",
    "tel:+1-816-555", "http://[2001:db8::7]/c", "http://kim:pw@example.org:8080/", "a:",
    "A+.-1:b", "http://a/%41",
    "file:///a/b", "http://", "ldap://[2001:db8::7]/c=GB?one", "//example.org/a", "/a/b", "a/b",
    "?q", "#f", "", ":a", "1a:b", "http:// a", "http://a b", "http://a/%zz", "http://a/%4",
    "http://a/<b>", "http://a/{b}", "http://a/\\b", "http://a/^", "http://a/\u00e4",
    "http://ex\u00e4mple.org", "http://a:port/", "http://a:99999/", "http://[::1", "http://::1/",
    "http://a#b#c", "http://[v1.x]/", "http://[::1%25eth0]/", "http://a/\u202e", "http://a/[b]",
    "http://a/|", "http://a@b@c/", "http://a/\ue000", "http://a/?\ue000", "./a:b", "a:b:c", 'a:"b"',
)  # fmt: skip
_TEMPLATES = (
    "https://example.org/{id}", "/a/{b,c}/d", "{?q*,lang}", "{+path}", "{#a:3}", "{a.b}", "a", "",
    "{", "}", "{a", "a}", "{}", "{a b}", "{a:0}", "{a:10000}", "{a:1*}", "{{a}}", "{=a}", "{%41}",
    "{%4}", "a b", "a<b", "\u00e4", "{\u00e4}", "%41", "%zz", "a'b", '"', "{a,}", "{.a}", "{a..b}",
    "{|a}", "{@a}", "{!a}", "{,a}", "{|}", "{a|b}", "a|b", "|", "{&a}", "{;a}", "{/a}", "{$a}",
    "{a:9999}", "a^b", "a`b", "a\\b",
)  # fmt: skip
_POINTERS = (
    "/a/b", "", "/", "//", "/a~0b", "/a~1b", "/ ", "/\u00e4", "/a~", "/a~2", "a", "#/a", "/~", "/0",
    "/~~", "/a/~01",
)  # fmt: skip
_RELATIVE_POINTERS = (
    "1/a", "0", "0#", "120/a~1b", "1", "01", "00", "-1", "+1/a", "/a", "", "#", "1#/a", "1##",
    "1/a~2", "\u0661/a", "1a",
)  # fmt: skip

LOOKALIKES: dict[str, tuple[str, ...]] = {
    "date-time": _INSTANTS,
    "date": _DAYS,
    "time": _TIMES,
    "duration": _DURATIONS,
    "email": _MAILS,
    "idn-email": _MAILS,
    "hostname": _HOSTS,
    "idn-hostname": _HOSTS,
    "ipv4": _IPV4,
    "ipv6": _IPV6,
    "uri": _URIS,
    "uri-reference": _URIS,
    "iri": _URIS,
    "iri-reference": _URIS,
    "uri-template": _TEMPLATES,
    "uuid": _UUIDS,
    "json-pointer": _POINTERS,
    "relative-json-pointer": _RELATIVE_POINTERS,
}
"""Format -> strings."""
