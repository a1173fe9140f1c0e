"""Finding in a text what belongs to a person: identity numbers, telephone numbers, addresses of mail.

It finds what has a form. A name has none: that no person is named is a matter of the instructions to whoever writes.
"""

import re
import unicodedata
from enum import StrEnum


class PersonalData(StrEnum):
    CITIZEN_ID = "citizen_id"
    PHONE = "phone"
    EMAIL = "email"


WORDING: dict[PersonalData, str] = {
    PersonalData.CITIZEN_ID: "số định danh cá nhân",
    PersonalData.PHONE: "số điện thoại",
    PersonalData.EMAIL: "địa chỉ thư điện tử",
}

# Dates are digits in groups as well, and several of them would look like a number.
_DATE = re.compile(r"(?<!\d)(?:\d{1,2}[./-]\d{1,2}[./-]\d{4}|\d{4}-\d{2}-\d{2})(?!\d)")
# No figure is written with a zero in front, however its digits are grouped; twelve in one piece are no figure either.
_FORMS: tuple[tuple[PersonalData, re.Pattern[str]], ...] = (
    (PersonalData.EMAIL, re.compile(r"[\w.+-]+@[\w-]+\.\w")),
    (PersonalData.CITIZEN_ID, re.compile(r"(?<!\d)(?<!\d[.,])(?:\d{12}|0(?:[ .-]?\d){11})(?!\d)")),
    (
        PersonalData.PHONE,
        re.compile(
            r"(?<!\d)(?<!\d[.,])(?:(?:\+84|0)[ .()-]{0,2}"
            r"(?:[35789](?:[ .()-]{0,2}\d){8}|2(?:[ .()-]{0,2}\d){9})|84[35789]\d{8})(?!\d)"
        ),
    ),
)
# Characters without width, which only hide a number from whoever looks for it.
_HIDDEN = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")


def find(text: str) -> PersonalData | None:
    """The first kind of personal data that a text seems to hold."""
    plain = _DATE.sub("/", _HIDDEN.sub("", unicodedata.normalize("NFKC", text)))
    return next((kind for kind, form in _FORMS if form.search(plain)), None)
