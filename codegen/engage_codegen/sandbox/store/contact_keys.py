"""What contacts are compared by: e-mail addresses, phone numbers and social security numbers.

Only the fields themselves are documented. Every format here, and the way in which two values are
compared, is our guess. No format accepts a space at the beginning or the end, so a `+` that was not
URL-encoded, and arrives as a space, is never repaired.
"""

import re

EMAIL_PATTERN = (
    r"^[^@\s\x00-\x1f\x7f-\x9f]+@[^@\s\x00-\x1f\x7f-\x9f.]+(\.[^@\s\x00-\x1f\x7f-\x9f.]+)+$"
)
"""An address with one `@` and a domain of several labels, in any script, without spaces."""

PHONE_PATTERN = r"^(\+|00?)[1-9]([ ()./-]*[0-9]){6,13}$"
"""A number with a country code after `+` or `00`, or a Swedish one that begins with 0."""

SOCIAL_SECURITY_PATTERN = (
    r"^([0-9]{2})?[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[-+]?[0-9]{4}$"
)
"""A Swedish number: a date as YYMMDD or YYYYMMDD, and four digits. Check digits do not matter."""

_COUNTRY_CODE = "+46"
_EMAIL = re.compile(EMAIL_PATTERN.removesuffix("$"))
_PHONE = re.compile(PHONE_PATTERN.removesuffix("$"))
_SOCIAL_SECURITY = re.compile(SOCIAL_SECURITY_PATTERN.removesuffix("$"))
_SEPARATORS = re.compile(r"[ ()./-]")


def to_email_key(text: str) -> str | None:
    """Return an e-mail address without case; None if the text is not an address."""
    return text.casefold() if _EMAIL.fullmatch(text) else None


def to_phone_key(text: str) -> str | None:
    """Return a phone number as `+46701740605`; None if the text is not a phone number.

    A number without a country code is Swedish, and the `(0)` in `+46 (0)70-174 06 05` is left out.
    """
    if not _PHONE.fullmatch(text):
        return None
    if not text.startswith(("+", "00")):
        return _COUNTRY_CODE + _SEPARATORS.sub("", text).removeprefix("0")
    digits = _SEPARATORS.sub("", text.replace("(0)", "", 1))
    return f"+{digits.removeprefix('+').removeprefix('00')}"


def to_social_security_key(text: str) -> str | None:
    """Return the last ten digits of a social security number; None if the text is not one."""
    return re.sub("[-+]", "", text)[-10:] if _SOCIAL_SECURITY.fullmatch(text) else None
