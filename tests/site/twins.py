"""Every request that could reach the neighbours, each beside one that names a row nobody has."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.site.matrix import BULK, BULK_LISTS, PAGES, PROBES, Page
from tests.site.world import MISSING, Things, World

ROW_PAGES = [name for name, page in PAGES.items() if page.names_a_row and not page.of_logins]
REF_PAGES = [name for name, page in PAGES.items() if page.refs]


@dataclass(frozen=True)
class Twin:
    """One request twice: naming a row of the neighbours, and a row that nobody has. `sent` is what tells them."""

    name: str
    method: str
    foreign: tuple[str, Any]
    missing: tuple[str, Any]
    sent: tuple[str, ...]
    expectations: Mapping[str, str]

    def expected(self, role: str) -> str:
        """The kind of answer the table wants; empty where it says nothing."""
        return self.expectations.get(role, "")


def twin(
    name: str, method: str, there: tuple[str, Any], nowhere: tuple[str, Any], foreign: Things, **expected: str
) -> Twin:
    """Make a twin, and see which values of the things stand in its addresses and bodies."""
    said = [str(there[0]), str(nowhere[0])]
    for body in (there[1], nowhere[1]):
        said += [body] if isinstance(body, str) else map(str, (body or {}).values())
    known = [str(getattr(of, field)) for of in (foreign, MISSING) for field in Things.__annotations__]
    sent = tuple(value for value in known if any(value in text for text in said))
    return Twin(name, method, there, nowhere, sent, expected)


def away_twins(name: str, own: Things, foreign: Things) -> list[Twin]:
    """A page of a row, looked at and sent to, with a body that Home could save."""
    page = PAGES[name]
    there, nowhere = page.at(foreign), page.at(MISSING)
    body = page.body(own)
    return [
        twin(name, method, (there, sent), (nowhere, sent), foreign, **page.expected(method, away=True))
        for method, sent in (("GET", None), ("POST", body))
    ]


def body_twins(name: str, own: Things, foreign: Things) -> Iterator[Twin]:
    """A page whose body is Home's but for one place."""
    page = PAGES[name]
    body = page.body(own)
    for key in page.refs:
        there, nowhere = ({**body, key: page.body(of)[key]} for of in (foreign, MISSING))
        at = page.at(own)
        owner = {"owner": str(page.refused)}
        yield twin(f"{name} {key}", "POST", (at, there), (at, nowhere), foreign, **owner)


def probe_twins(own: Things, foreign: Things) -> Iterator[Twin]:
    """Parameters in the address, addresses that are none of ours, and what is sent to lists."""
    for probe in PROBES:
        there, nowhere = (Page(probe, "", "").at(of) for of in (foreign, MISSING))
        yield twin(probe, "GET", (there, None), (nowhere, None), foreign)
    for at, name in BULK_LISTS.items():
        for body in BULK:
            there, nowhere = (body.format(row=getattr(of, name)) for of in (foreign, MISSING))
            yield twin(f"{at} {body}", "POST", (at, there), (at, nowhere), foreign)


def faults(world: World, twin: Twin, roles: Sequence[str]) -> Iterator[str]:
    """Say what is wrong with the two answers to one request, for each of the roles."""
    for role in roles:
        where = f"{role} {twin.method} {twin.name}"
        try:
            foreign, missing = (world.ask(role, twin.method, *sent) for sent in (twin.foreign, twin.missing))
        except Exception as error:
            yield f"{where}: raises {error!r}"
            continue
        if foreign.without(twin.sent) != missing.without(twin.sent):
            yield f"{where}: {foreign.kind} tells another's row from none"
        if foreign.status >= 500:
            yield f"{where}: {foreign.status}"
        if words := world.leaks(role, foreign, twin.sent):
            yield f"{where}: shows {sorted(words)}"
        if foreign.changed or missing.changed:
            yield f"{where}: changes {sorted(foreign.changed | missing.changed)}"
        expected = twin.expected(role)
        if expected and foreign.kind != expected:
            yield f"{where}: {foreign.kind} instead of {expected}"


def all_twins(world: World) -> Iterator[Twin]:
    """Every twin that asks the database anything: lookups in the address are refused before."""
    for name in ROW_PAGES:
        yield from away_twins(name, world.own, world.foreign)
    for name in REF_PAGES:
        yield from body_twins(name, world.own, world.foreign)
    yield from (twin for twin in probe_twins(world.own, world.foreign) if "__" not in twin.name)
