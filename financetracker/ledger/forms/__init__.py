"""What people type, read into what `journal` takes, with each error at the field it belongs to.

Legs are rows of text: names are resolved here, on the server, so a form works without a script, and whatever was
typed can be shown again as it was. Rows are found by their own names in the data; no count is believed.
"""

from financetracker.ledger.forms.chart import BadName, Chart, short
from financetracker.ledger.forms.entry import MAX_LEGS, EntryForm
from financetracker.ledger.forms.fields import AmountField
from financetracker.ledger.forms.filters import FilterForm
from financetracker.ledger.forms.head import HeadForm, head_of
from financetracker.ledger.forms.plain import PlainLegs
from financetracker.ledger.forms.rows import FILL, Row, rows_in, rows_of

__all__ = [
    "FILL",
    "MAX_LEGS",
    "AmountField",
    "BadName",
    "Chart",
    "EntryForm",
    "FilterForm",
    "HeadForm",
    "PlainLegs",
    "Row",
    "head_of",
    "rows_in",
    "rows_of",
    "short",
]
