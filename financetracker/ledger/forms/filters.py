"""What narrows the list of transactions."""

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from financetracker.ledger.forms.chart import BadName, Chart
from financetracker.ledger.models import Posting
from financetracker.writing.fields import DayField


class FilterForm(forms.Form):
    """What narrows the list of transactions. Names are names of the chosen book."""

    STATES: ClassVar = [("", gettext_lazy("any state")), *Posting.State.choices]
    VOID: ClassVar = [
        ("", gettext_lazy("void or not")),
        ("no", gettext_lazy("not void")),
        ("yes", gettext_lazy("void only")),
    ]

    q = forms.CharField(label=gettext_lazy("Search"), max_length=200, required=False)
    account = forms.CharField(label=gettext_lazy("Account"), max_length=1000, required=False)
    tag = forms.CharField(label=gettext_lazy("Tag"), max_length=60, required=False)
    state = forms.ChoiceField(label=gettext_lazy("State"), choices=STATES, required=False)
    void = forms.ChoiceField(label=gettext_lazy("Void"), choices=VOID, required=False)
    since = DayField(label=gettext_lazy("From"), required=False)
    until = DayField(label=gettext_lazy("To"), required=False)

    def __init__(self, chart: Chart, data: Any) -> None:
        super().__init__(data, auto_id="filter_%s")
        self.chart = chart
        self.fields["q"].widget.attrs.update(
            {"type": "search", "placeholder": _("Payee, words, account, >100, #tag, last month")}
        )
        self.fields["account"].widget.attrs.update({"list": "accounts", "autocomplete": "off"})
        self.fields["tag"].widget.attrs.update({"list": "tags", "autocomplete": "off"})

    def clean_account(self) -> list[int]:
        """Return the ids of the account and of everything below it; empty for no filter."""
        typed = self.cleaned_data["account"]
        if not typed:
            return []
        try:
            chosen = self.chart.account(typed)
        except BadName as error:
            raise ValidationError(str(error)) from error
        below = chosen.full_name + ":"
        return [row.pk for row in self.chart.accounts if row == chosen or row.full_name.startswith(below)]
