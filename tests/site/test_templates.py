"""Templates: none of others is overridden in secret, and every word of ours can be translated."""

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.apps import apps
from django.template.base import Lexer, TokenType

FOLDER = Path("financetracker/site/templates")
# Attributes that people read or hear.
SPOKEN = {"title", "placeholder", "aria-label", "alt", "data-label"}
# What stands inside of a tag: attributes for a script, whose values are all tags of the template.
DATA = re.compile(r'(?:\s*data-[a-z]+(?:="")?)+\s*')
LETTER = re.compile(r"[^\W\d_]")
# Calls whose first argument is shown to a person.
SHOWN = {"Refusal", "NotAllowed", "ValidationError", "message_user"}
# What is a name, and not a word of a language.
NAMES = {"financetracker", "Ctrl", "Enter", "Esc", "yesterday", "n", "g", "o", "t", "a", "p", "j", "k", "c", "e"}


def names_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*.*")}


def test_every_template_of_others_that_ours_stand_in_for_is_on_the_list(project: Path) -> None:
    ours = names_in(project / FOLDER)
    others = [
        Path(app.path) / "templates"
        for app in apps.get_app_configs()
        if project / "financetracker" not in Path(app.path).parents
    ]
    others = [folder for folder in others if folder.is_dir()]
    assert len(others) > 1
    listed = re.findall(
        r"^\| `(\S+)` \|", (project / "docs/templates.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sorted(listed) == sorted(ours & set().union(*map(names_in, others)))


class Words(HTMLParser):
    """Collects what a page says: its text, and the attributes that people read or hear."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [said for name, said in attrs if name in SPOKEN and said and LETTER.search(said)]

    def handle_data(self, data: str) -> None:
        self.found += [word for word in re.findall(r"[^\W\d_]+", data) if word not in NAMES]


def bare_words(source: str) -> list[str]:
    """Words of a template that no translation reaches: what is left of it without its tags and variables."""
    skipping, left = "", []
    for token in Lexer(source).tokenize():
        if token.token_type == TokenType.BLOCK:
            word = token.contents.split()[0]
            if word in ("blocktranslate", "comment"):
                skipping = f"end{word}"
            elif word == "block" and token.contents.endswith("class"):
                skipping = "endblock"  # stands inside of an attribute
            elif word == skipping:
                skipping = ""
        elif token.token_type == TokenType.TEXT and not skipping:
            left.append(token.contents)
    text = "".join(left)
    if DATA.fullmatch(text):
        return []
    page = Words()
    page.feed(text)
    return page.found


def test_every_word_of_a_template_can_be_translated(project: Path) -> None:
    found = {
        f"{path.name}: {word}"
        for path in (project / FOLDER).rglob("*.html")
        for word in bare_words(path.read_text(encoding="utf-8"))
    }
    assert found == set()


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("<p>Nothing yet</p>", ["Nothing", "yet"]),
        ('<a title="Choose a book">{{ book }}</a>', ["Choose a book"]),
        ("<p>{% translate 'Nothing yet' %} {% blocktranslate %}for {{ you }}{% endblocktranslate %}</p>", []),
        ('data-read="{% url "x" %}" data-begun="{% translate "Begun" %}" data-fresh', []),
        ('data-begun="You had begun" data-fresh', ["data", "begun", "You", "had", "begun", "data", "fresh"]),
        ("<kbd>Ctrl</kbd> 12.50 → &nbsp; financetracker", []),
    ],
)
def test_a_bare_word_is_found(source: str, words: list[str]) -> None:
    assert list(bare_words(source)) == words


def bare_sentences(source: str) -> Iterator[str]:
    """Calls that show a person a sentence which no translation reaches."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and node.args:
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            shown = node.args[1] if name == "message_user" and len(node.args) > 1 else node.args[0]
            is_text = isinstance(shown, ast.JoinedStr) or (
                isinstance(shown, ast.Constant) and isinstance(shown.value, str) and " " in shown.value
            )
            if name in SHOWN and is_text:
                yield f"{name} in line {node.lineno}"


def test_every_sentence_of_a_refusal_can_be_translated(project: Path) -> None:
    found = {
        f"{path.name}: {where}"
        for app in ("accounts", "ledger", "site", "users")
        for path in (project / "financetracker" / app).rglob("*.py")
        for where in bare_sentences(path.read_text(encoding="utf-8"))
    }
    assert found == set()


def test_a_bare_sentence_is_found() -> None:
    source = 'raise Refusal(f"{code} is none")\nself.message_user(request, "Saved it")\nRefusal(_("fine, that"))'
    assert list(bare_sentences(source)) == ["Refusal in line 1", "message_user in line 2"]
