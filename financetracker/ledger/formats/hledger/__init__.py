"""The core of hledger's journal format, as hledger 1.25 reads it: `read` and `write`.

What is read: dates, status, code, description (payee | note), comments, tags, plain amounts, amounts left out,
prices after @ and @@, balance assertions and assignments, `account`, `commodity`, `D` and `decimal-mark`
directives, `P` prices and comment blocks. All else is refused with file, line and reason; nothing is skipped.
"""

from financetracker.ledger.formats.hledger.reader import read
from financetracker.ledger.formats.hledger.writer import write

__all__ = ["read", "write"]
