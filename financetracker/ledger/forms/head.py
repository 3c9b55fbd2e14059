"""What a transaction says besides its legs, as a form."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from financetracker.ledger.forms.chart import short
from financetracker.ledger.journal import Entry
from financetracker.writing.fields import DayField


class HeadForm(forms.Form):
    """What a transaction says besides its legs."""

    date = DayField(label=gettext_lazy("Date"))
    payee = forms.CharField(label=gettext_lazy("Payee"), max_length=200, required=False)
    narration = forms.CharField(label=gettext_lazy("What for"), max_length=500, required=False)
    tags = forms.CharField(label=gettext_lazy("Tags"), max_length=1000, required=False)
    code = forms.CharField(label=gettext_lazy("Code"), max_length=60, required=False)
    notes = forms.CharField(
        label=gettext_lazy("Notes"), required=False, max_length=100_000, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, data: Any = None, *, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial)
        self.fields["payee"].widget.attrs.update({"list": "payees", "autocomplete": "off"})
        self.fields["tags"].widget.attrs.update({"list": "tags", "autocomplete": "off"})
        for name in self.fields:
            # The server says it in words, and typed text must not be cut by the browser.
            self.fields[name].widget.attrs.pop("maxlength", None)

    def clean_tags(self) -> tuple[str, ...]:
        """Read words, separated by spaces or commas, with or without a hash sign."""
        words = tuple(dict.fromkeys(word.lstrip("#") for word in re.split(r"[\s,]+", self.cleaned_data["tags"])))
        for word in words:
            if len(word) > 60 or ":" in word or ";" in word or "#" in word:
                raise ValidationError(
                    _("“%(tag)s”: a tag is one word of at most 60 characters, without colon or semicolon.")
                    % {"tag": short(word)}
                )
        return tuple(word for word in words if word)


def head_of(entry: Entry) -> dict[str, Any]:
    """Write what an entry says besides its legs as the form shows it."""
    return {
        "date": entry.date,
        "payee": entry.payee,
        "narration": entry.narration,
        "notes": entry.notes,
        "code": entry.code,
        "tags": " ".join(entry.tags),
    }
