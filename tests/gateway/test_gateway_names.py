"""Names and addresses: one form each, what an entry allows, and what nobody's entry allows."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.gateway import names
from engine.gateway.errors import BadHost
from engine.gateway.names import Endpoint


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("Example.ORG", "example.org"),
        ("example.org.", "example.org"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example.", "xn--bcher-kva.example"),
        ("a_b.example", "a_b.example"),
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1.", "127.0.0.1"),
        ("[::1]", "::1"),
        ("0:0:0:0:0:0:0:1", "::1"),
        ("[::FFFF:127.0.0.1]", "127.0.0.1"),
        ("[2001:DB8::0:1]", "2001:db8::1"),
    ],
)
def test_a_host_has_one_form(text, form):
    assert names.host(text) == form


NO_HOSTS = [
    "",
    ".",
    "..",
    "a..b",
    ".a",
    "-a.example",
    "a-.example",
    "a b",
    "a\tb",
    "a\nb",
    "a\x00b",
    "a/b",
    "a@b",
    "a%2eb",
]
NO_HOSTS += [
    "a" * 64 + ".example",
    ".".join(["abcdefghi"] * 26),
    "ü" * 70,
    "[::1",
    "::1]x",
    "[::1%lo]",
    "[fe80::1%25lo]",
]
NO_HOSTS += [
    "127.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "127.0.0.01",
    "1.2.3.4.5",
    "256.1.1.1",
    "a.0x",
]


@pytest.mark.parametrize("text", [*NO_HOSTS, "*"])
def test_what_is_no_host_is_refused(text):
    with pytest.raises(BadHost):
        names.host(text)


@pytest.mark.parametrize(
    ("entry", "means"),
    [
        ("example.org", ("example.org", 443)),
        ("Example.org.:8443", ("example.org", 8443)),
        ("*.Example.org", ("*.example.org", 443)),
        ("*.example.org:80", ("*.example.org", 80)),
        ("*", ("*", 443)),
        ("*:22", ("*", 22)),
        ("127.0.0.1:8080", ("127.0.0.1", 8080)),
        ("[::1]:8080", ("::1", 8080)),
        ("::1", ("::1", 443)),
        ("[::1]", ("::1", 443)),
        ("localhost:3000", ("localhost", 3000)),
    ],
)
def test_an_entry_names_a_host_and_a_port(entry, means):
    assert names.entry(entry) == means


NO_ENTRIES = [
    "a:0",
    "a:65536",
    "a:",
    ":80",
    "a:b",
    "a:\u0661",
    "*.*",
    "*.",
    "a.*.org",
    "*x.org",
    "*.1.2.3",
    "*.10.0.0.1",
]


@pytest.mark.parametrize("entry", [*NO_ENTRIES, "a:80:90"])
def test_what_is_no_entry_allows_nothing_and_spoils_no_other(entry):
    with pytest.raises(BadHost):
        names.entry(entry)
    assert not names.admits([entry], Endpoint("a", 80))
    assert names.admits([entry, "a:80"], Endpoint("a", 80))


@pytest.mark.parametrize(
    ("entry", "asked", "admitted"),
    [
        ("example.org", ("example.org", 443), True),
        ("example.org", ("example.org", 80), False),
        ("example.org", ("www.example.org", 443), False),
        ("*.example.org", ("www.example.org", 443), True),
        ("*.example.org", ("a.b.example.org", 443), True),
        ("*.example.org", ("example.org", 443), False),
        ("*.example.org", ("notexample.org", 443), False),
        ("*.example.org", ("example.org.evil.net", 443), False),
        ("*", ("anything.net", 443), True),
        ("*", ("anything.net", 22), False),
        ("127.0.0.1:80", ("localhost", 80), False),
        ("localhost:80", ("127.0.0.1", 80), False),
    ],
)
def test_an_entry_admits_its_host_and_port_only(entry, asked, admitted):
    assert names.admits([entry], Endpoint(*asked)) is admitted


NEVER = ["0.0.0.0", "169.254.169.254", "224.0.0.1", "239.1.2.3", "240.0.0.1", "255.255.255.255"]
NEVER += [
    "::",
    "fe80::1",
    "ff02::1",
    "::7f00:1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:e000:1::",
    "64:ff9b:1::1",
]
NAMED = ["127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "198.18.0.1", "192.0.2.1"]
NAMED += ["::1", "fc00::1", "fd12::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "fec0::1"]


@pytest.mark.parametrize("address", NEVER)
def test_addresses_that_no_entry_allows(address):
    everything = ["*:80", "a:80", f"{names.shown(address)}:80", "localhost:80"]
    assert names.closed(everything, Endpoint("a", 80), ipaddress.ip_address(address))


@pytest.mark.parametrize("address", NAMED)
def test_an_address_inside_takes_an_entry_that_is_the_address(address):
    at = ipaddress.ip_address(address)
    why = names.closed(["*:80", "a:80"], Endpoint("a", 80), at)
    assert str(at) in why
    named = why.split('"')[1]
    assert names.closed(["a:80", named], Endpoint("a", 80), at) == ""
    assert names.closed(["a:80", named.replace(":80", ":81")], Endpoint("a", 80), at)


def test_localhost_is_this_machine_and_nothing_else():
    localhost = Endpoint("localhost", 80)
    for address in ("127.0.0.1", "::1"):
        assert names.closed(["localhost:80"], localhost, ipaddress.ip_address(address)) == ""
        assert names.closed(["localhost:80", "a:80"], Endpoint("a", 80), ipaddress.ip_address(address))
        assert names.closed(["localhost:81", "*:80"], localhost, ipaddress.ip_address(address))
    assert names.closed(["localhost:80"], localhost, ipaddress.ip_address("10.0.0.1"))


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"]
)
def test_public_addresses_are_connected_to(address):
    assert names.closed([], Endpoint("a", 80), ipaddress.ip_address(address)) == ""


@given(st.ip_addresses())
def test_every_address_is_its_own_form_and_public_or_closed(address):
    form = names.host(names.shown(str(address)))
    assert names.host(form) == form
    if address.is_private and not (address.version == 6 and address.ipv4_mapped):
        assert names.closed(["*:80", "a:80"], Endpoint("a", 80), address)


@given(st.text(max_size=80))
def test_any_text_has_one_form_or_none(text):
    try:
        form = names.host(text)
    except BadHost:
        return
    assert form.isascii()
    assert form == form.lower()
    assert names.host(form) == form
    assert not set(form) & set(" /@%\\?#\r\n\t\0*[]")
