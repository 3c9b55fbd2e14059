"""Small changes to what is rendered, each of which can break a rule."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from deploy.check.documents import Doc, title
from deploy.check.rules.environments import GENERATED
from deploy.check.world import World

Change = Callable[[World], None]


def docs_of(world: World, render: str) -> list[Doc]:
    return world.argocd if render == "argocd" else world.renders[render]


def document(world: World, render: str, wanted: str) -> Doc:
    """A document by kind and name; that of a generated ConfigMap without its hash."""
    return next(doc for doc in docs_of(world, render) if GENERATED.sub("", title(doc)) == wanted)


def place(world: World, render: str, wanted: str, path: str) -> tuple[Any, Any]:
    """What holds the last part of a path, and that part: a key, or the number of a list's member."""
    *parts, last = [int(part) if part.isdigit() else part for part in path.split(" ")]
    holder: Any = document(world, render, wanted)
    for part in parts:
        holder = holder[part] if isinstance(holder, list) else holder.setdefault(part, {})
    return holder, last


def put(render: str, wanted: str, path: str, value: Any) -> Change:
    """Sets what stands at a path, whose parts are separated by spaces."""

    def change(world: World) -> None:
        holder, last = place(world, render, wanted, path)
        holder[last] = value

    return change


def cut(render: str, wanted: str, path: str) -> Change:
    """Removes what stands at a path."""

    def change(world: World) -> None:
        holder, last = place(world, render, wanted, path)
        del holder[last]

    return change


def add(render: str, wanted: str, path: str, value: Any) -> Change:
    """Appends to the list at a path."""

    def change(world: World) -> None:
        holder, last = place(world, render, wanted, path)
        holder.setdefault(last, []).append(value)

    return change


def drop(render: str, wanted: str) -> Change:
    """Removes a document."""
    return lambda world: docs_of(world, render).remove(document(world, render, wanted))


def new(render: str, doc: Doc) -> Change:
    """Adds a document."""
    return lambda world: docs_of(world, render).append(doc)


def copy(render: str, wanted: str, **metadata: Any) -> Change:
    """Adds a document like another one, with other metadata."""

    def change(world: World) -> None:
        made = deepcopy(document(world, render, wanted))
        made["metadata"].update(metadata)
        docs_of(world, render).append(made)

    return change


def attribute(what: str, value: Any) -> Change:
    """Changes what the world knows beside the documents."""
    return lambda world: setattr(world, what, value)


def before(render: str, wanted: str, path: str, value: Any) -> Change:
    """Lets the base revision have rendered the same, but for one value."""

    def change(world: World) -> None:
        world.before = deepcopy(world.environments)
        holder, last = place(World(world.before, {}, [], 0), render, wanted, path)
        holder[last] = value

    return change
