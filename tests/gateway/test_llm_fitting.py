"""How much of what is left a request may take: never more than that, and as much of what it wants as there is."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import example, given
from hypothesis import strategies as st

from engine.gateway.llm.fitting import Fit, Lack, Need, fit, more
from engine.gateway.llm.values import Left

MICRO = Decimal("0.000001")
AMOUNTS = st.integers(0, 3_000_000).map(lambda number: number * MICRO)


@st.composite
def needs(draw: st.DrawFn) -> Need:
    wanted = draw(st.integers(1, 200_000))
    tokens_in, choices = draw(st.integers(0, 400_000)), draw(st.integers(1, 4))
    fixed, each, step = draw(AMOUNTS), draw(st.integers(0, 80)), draw(st.sampled_from([0, 1000, 200_000]))

    def price(out: int) -> tuple[Decimal, str]:
        """Some vendors take more above a mark."""
        dear = 2 if step and tokens_in + out * choices > step else 1
        return fixed + out * choices * each * dear * MICRO, "made up"

    return Need(tokens_in=tokens_in, wanted=wanted, least=draw(st.integers(1, wanted)), price=price, choices=choices)


LEFT = st.builds(Left, usd=st.none() | AMOUNTS, tokens=st.none() | st.integers(-10, 1_000_000), scope=st.just("run"))


@given(needs(), LEFT)
def test_what_fits_is_never_more_than_is_left_and_never_less_than_makes_sense(need: Need, left: Left) -> None:
    found = fit(need, left)
    if isinstance(found, Fit):
        assert need.least <= found.out <= need.wanted
        assert found.usd == need.price(found.out)[0]
        assert left.usd is None or found.usd <= left.usd
        assert left.tokens is None or need.tokens(found.out) <= left.tokens
    else:
        assert isinstance(found, Lack)
        assert left.usd is not None or left.tokens is not None


@given(needs(), LEFT)
def test_what_is_needed_would_do(need: Need, left: Left) -> None:
    found = fit(need, left)
    if isinstance(found, Lack):
        enough = Left(
            usd=None if found.needed.usd is None else max(found.needed.usd, left.usd or Decimal(0)),
            tokens=None if found.needed.tokens is None else max(found.needed.tokens, left.tokens or 0),
        )
        assert isinstance(fit(need, enough), Fit)
        assert found.needed.scope == "run"


@given(needs())
def test_without_a_limit_it_gets_all_it_wants(need: Need) -> None:
    found = fit(need, Left())
    assert isinstance(found, Fit)
    assert found.out == need.wanted


@given(needs(), st.integers(1, 10_000))
def test_of_tokens_not_one_is_left_unused_that_it_wants(need: Need, extra: int) -> None:
    left = need.tokens(need.least) + extra
    found = fit(need, Left(tokens=left))
    assert isinstance(found, Fit)
    assert found.out == min(need.wanted, (left - need.tokens_in) // need.choices)


@given(needs(), AMOUNTS)
@example(Need(tokens_in=10, wanted=100_000, least=1, price=lambda out: (out * MICRO, "even")), Decimal("0.05"))
def test_of_money_hardly_anything_is_left_unused(need: Need, usd: Decimal) -> None:
    """At one price a token the most that can be had is found; where prices step up, a hundredth may stay."""
    found = fit(need, Left(usd=usd))
    if isinstance(found, Fit) and found.out < need.wanted:
        at_one = need.price(need.wanted)[0] - need.price(0)[0] == need.wanted * (need.price(1)[0] - need.price(0)[0])
        assert not at_one or need.price(found.out + 1)[0] > usd


def test_money_is_not_spent_on_what_has_no_price_but_tokens_are() -> None:
    need = Need(tokens_in=10, wanted=5, least=1, price=lambda _: None)
    assert fit(need, Left(usd=Decimal(9))) is None
    assert fit(need, Left(usd=Decimal(9), tokens=99)) is None
    assert isinstance(fit(need, Left(tokens=99)), Fit)


def test_what_lacks_says_whose_it_is() -> None:
    need = Need(tokens_in=100, wanted=50, least=10, price=lambda out: (Decimal(out), "x"))
    both = fit(need, Left(usd=Decimal(50), tokens=20, scope="amy", of_tokens="task:one"))
    assert both == Lack(needed=Left(usd=Decimal(10), tokens=110, scope="task:one"))
    money = fit(need, Left(usd=Decimal(5), tokens=500, scope="amy", of_tokens="task:one"))
    assert isinstance(money, Lack)
    assert money.needed.scope == "amy"


@given(LEFT, AMOUNTS, st.integers(0, 10_000))
def test_more_is_more_of_what_is_limited(left: Left, usd: Decimal, tokens: int) -> None:
    found = more(left, usd, tokens)
    assert (found.usd is None) == (left.usd is None)
    assert found.usd is None or found.usd == (left.usd or 0) + usd
    assert found.tokens is None or found.tokens == (left.tokens or 0) + tokens
