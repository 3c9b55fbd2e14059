#!/usr/bin/env python
"""Runs one management command; `python3 dev.py manage …` does the same with a database up."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "financetracker.settings")
    # The limits that protect the web from a runaway request would stop a long import half-way.
    os.environ.setdefault("FT_STATEMENT_TIMEOUT", "0")
    os.environ.setdefault("FT_IDLE_TIMEOUT", "0")
    os.environ.setdefault("FT_POOL_SIZE", "0")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
