"""Which locale a person writes in: the one chosen, else the first that the browser asks for and Django knows."""

from functools import cache, lru_cache
from importlib import import_module
from pathlib import Path

import django.conf.locale
from django.conf.locale import LANG_INFO
from django.utils.translation import to_locale
from django.utils.translation.trans_real import parse_accept_lang_header

from financetracker.writing.locale import PLAIN, Locale

_FOLDER = Path(django.conf.locale.__file__).parent


def locale_of(chosen: str, asked: str) -> Locale:
    """Return the locale of a choice (`User.locale`), else of an Accept-Language header, else the plain one."""
    found = read(chosen) if chosen else None
    if found is None:
        wanted = (read(code) for code, _weight in parse_accept_lang_header(asked[:500]))
        found = next((one for one in wanted if one), None)
    return found or PLAIN


@cache
def choices() -> list[tuple[str, str]]:
    """Return every locale to choose from, by the name its speakers give it."""
    codes = sorted(path.parent.name.replace("_", "-").lower() for path in _FOLDER.glob("*/formats.py"))
    named = [(code, LANG_INFO.get(code, {}).get("name_local") or _territory(code)) for code in codes]
    return sorted(named, key=lambda pair: pair[1].casefold())


def _territory(code: str) -> str:
    """Name a variant that Django has formats of, but no name for: `Deutsch (CH)`."""
    language, _dash, territory = code.partition("-")
    return f"{LANG_INFO.get(language, {}).get('name_local', language)} ({territory.upper()})"


@lru_cache(maxsize=500)  # codes come from a header that anybody may write
def read(code: str) -> Locale | None:
    """Return the locale of a code such as `de-at`, or of its language; None where Django knows neither."""
    code = code.strip().lower()
    for tried in dict.fromkeys((code, code.partition("-")[0])):
        if not all(part.isalnum() for part in tried.split("-")):
            return None
        name = to_locale(tried)
        if not (_FOLDER / name / "formats.py").is_file():
            continue
        formats = import_module(f"django.conf.locale.{name}.formats")
        decimal = getattr(formats, "DECIMAL_SEPARATOR", ".")
        decimal = decimal if decimal in (".", ",") else "."
        group = getattr(formats, "THOUSAND_SEPARATOR", "\u00a0")
        if group == decimal or not group.strip():
            group = "\u00a0"
        return Locale(code, decimal, group, _order(getattr(formats, "SHORT_DATE_FORMAT", "d/m/Y")))
    return None


def _order(short: str) -> str:
    """Tell from Django's numeric format in which order a day is written."""
    letters = [letter for letter in short if letter in "djmnyY"]
    order = "".join("d" if letter in "dj" else "m" if letter in "mn" else "y" for letter in letters)
    return order if order in ("dmy", "mdy", "ymd") else "dmy"
