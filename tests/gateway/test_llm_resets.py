"""When a limited provider is to be asked again, as each vendor says it; and what an error means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.gateway.llm.judging import AGAIN, Broke, Capped, Limited, Passed, judged
from engine.gateway.llm.replies import Reply
from engine.gateway.llm.resets import LONGEST, reset_of

NOW = 1_795_000_000.0  # 2026-11-18T11:06:40Z
A, X = "anthropic-ratelimit-", "x-ratelimit-"


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ([("Retry-After", "17")], b"", 17),
        ([("retry-after", "0.5")], b"", 0.5),
        ([("retry-after-ms", "1500"), ("retry-after", "2")], b"", 1.5),
        ([("retry-after", "Wed, 18 Nov 2026 11:07:40 GMT")], b"", 60),
        ([("retry-after", "Wed, 18 Nov 2020 11:07:40 GMT")], b"", 0),
        ([("retry-after", "soon"), (A + "requests-reset", "2026-11-18T11:07:10Z")], b"", 30),
        ([(A + "tokens-reset", "2026-11-18T11:08:40Z"), (A + "tokens-remaining", "0"),
          (A + "requests-reset", "2026-11-18T11:06:50Z"), (A + "requests-remaining", "8")], b"", 120),
        ([(A + "unified-reset", "1795000090"), (A + "unified-status", "rejected")], b"", 90),
        ([(A + "unified-5h-reset", "1795003600"), (A + "unified-7d-reset", "1795400000")], b"", 3600),
        ([(X + "reset-requests", "1s"), (X + "reset-tokens", "6m0s"), (X + "remaining-tokens", "0")], b"", 360),
        ([(X + "reset-tokens", "88ms")], b"", 0.088),
        ([(X + "reset-requests", "1h2m3.5s")], b"", 3723.5),
        ([(X + "reset", "1795000042")], b"", 42),
        ([(X + "reset", "42")], b"", 42),
        ([], b'{"error":{"details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"39s"}]}}', 39),
        ([], b'{"error":{"details":[{"retryDelay": "1.25s"}]}}', 1.25),
        ([("retry-after", "1e300")], b"", None),
        ([("retry-after", "nan")], b"", None),
        ([("retry-after", "-5")], b"", None),
        ([("retry-after", "99999999999")], b"", LONGEST),
        ([(X + "reset-tokens", "1w")], b"", None),
        ([("x-reset", "7")], b"", None),
        ([], b"later", None),
    ],
)  # fmt: skip
def test_what_vendors_say_is_understood(headers, body, seconds):
    found = reset_of(headers, body, NOW)
    assert found == (None if seconds is None else pytest.approx(NOW + seconds, abs=1e-3))


HEADER = st.tuples(
    st.sampled_from(["retry-after", "retry-after-ms", A + "tokens-reset", A + "tokens-remaining", X + "reset-tokens"]),
    st.one_of(st.text(max_size=12), st.from_regex(r"-?[0-9]{1,20}(ms|s|h)?"), st.datetimes().map(str)),
)


@given(st.lists(HEADER, max_size=4), st.binary(max_size=40))
def test_whatever_one_says_it_is_never_in_the_past_nor_beyond_a_week(headers, body):
    found = reset_of(headers, body, NOW)
    assert found is None or NOW <= found <= NOW + LONGEST


def reply(status, body=b"", **headers):
    return Reply(status, [(name.replace("_", "-"), value) for name, value in headers.items()], body)


@pytest.mark.parametrize(
    ("answer", "injected", "verdict"),
    [
        (reply(429, retry_after="9"), None, Limited(NOW + 9)),
        (reply(429), None, Broke()),
        (reply(429, b'{"error":{"code":"insufficient_quota"}}', retry_after="9"), None, Passed()),
        (reply(429, retry_after="9", x_should_retry="false"), None, Passed()),
        (reply(503, retry_after="3"), None, Broke(NOW + 3)),
        (reply(503, x_should_retry="false"), None, Passed()),
        (reply(401), None, Passed()),
        (reply(404), None, Passed()),
        (reply(302), None, Passed()),
        (reply(400, b"max_tokens: 32000 > 8192, the maximum"), 32000, Capped(8192)),
        (reply(400, b"max_tokens: 32,000 > 8,192, the maximum"), 32000, Capped(8192)),
        (reply(400, b"max_tokens: 32000 > 8192, the maximum"), None, Passed()),
        (reply(400, b"messages.3: 8192 is too long"), 32000, Passed()),
        (reply(400, b"maxOutputTokens must be in [1, 65537)"), 32000, Passed()),
    ],
)
def test_what_an_error_means(answer, injected, verdict):
    assert judged(answer, NOW, injected) == verdict


@pytest.mark.parametrize("status", sorted(AGAIN))
def test_the_providers_trouble_is_worth_another_try(status):
    assert judged(reply(status), NOW, None) == Broke()
