"""That files are refused with their line before the database would refuse them without."""

from financetracker.accounts.models import Account, Commodity
from financetracker.ledger.formats import plain
from financetracker.ledger.models import Payee, Posting, Tag, Transaction


def test_the_widths_are_those_of_the_columns() -> None:
    columns = {
        (Payee, "name"): plain.PAYEE_WIDTH,
        (Transaction, "narration"): plain.NARRATION_WIDTH,
        (Transaction, "code"): plain.CODE_WIDTH,
        (Posting, "memo"): plain.MEMO_WIDTH,
        (Tag, "name"): plain.TAG_WIDTH,
        (Account, "name"): plain.ACCOUNT_WIDTH,
        (Commodity, "code"): plain.COMMODITY_WIDTH,
    }
    for (model, name), width in columns.items():
        assert model._meta.get_field(name).max_length == width, (model, name)
