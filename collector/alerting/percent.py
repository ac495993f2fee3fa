"""Shares as people read them: per cent, exact, with as many digits as it takes to be honest."""

from fractions import Fraction
from itertools import count

# Shares come from decimal text; one that does not end (1/3) is cut here.
_MAX_DIGITS = 12


def share_text(share: Fraction) -> str:
    """Return a share in per cent with as many digits as it needs: ``5 %``, ``0.25 %``."""
    return f"{_decimal(share * 100, _digits_needed(share * 100))} %"


def rate_text(rate: Fraction, threshold: Fraction) -> str:
    """Return a failure rate in per cent, with as many digits as show on which side of its threshold it is.

    One that exceeds never looks equal, some failures never look like none, nor nearly all like all.
    """
    if rate == threshold:
        return share_text(rate)
    percent = rate * 100
    landmarks = (Fraction(0), threshold * 100, Fraction(100))
    digits = next(
        digits
        for digits in count(1)
        if all(_side(_rounded(percent, digits), mark) == _side(percent, mark) for mark in landmarks)
    )
    return f"{_decimal(percent, digits)} %"


def plain_rate_text(rate: Fraction) -> str:
    """Return a failure rate in per cent where no threshold is at hand: ``0 %``, ``0.04 %``, ``100 %``."""
    return share_text(rate) if rate in {0, 1} else rate_text(rate, Fraction(0))


def _digits_needed(number: Fraction) -> int:
    return next((d for d in range(_MAX_DIGITS) if _rounded(number, d) == number), _MAX_DIGITS)


def _side(number: Fraction, mark: Fraction) -> int:
    """Tell on which side of a mark a number is: 1 above, -1 below, 0 on it."""
    return (number > mark) - (number < mark)


def _rounded(number: Fraction, digits: int) -> Fraction:
    return Fraction(round(number * 10**digits), 10**digits)


def _decimal(number: Fraction, digits: int) -> str:
    """Write a number with that many digits after the point, exactly: never by way of a float."""
    whole, part = divmod(round(number * 10**digits), 10**digits)
    return f"{whole:,}.{part:0{digits}d}" if digits else f"{whole:,}"
