"""The pages of transactions in the admin: each module brings its own, and admin.py puts them together."""
