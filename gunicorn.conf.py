"""How gunicorn serves the books; it reads this file from the folder it is started in.

The settings are read here, before a worker exists: a wrong one ends the whole server with status 78.
A worker that found it out would be replaced by the next one, for ever.
"""

import sys

from financetracker import settings

if settings.TESTING:  # its key is known to everybody, and its passwords are hashed to be fast
    print("ENVIRONMENT is 'test', which is for the test runner alone: use production.", file=sys.stderr)
    sys.exit(settings.EX_CONFIG)

worker_class = "gthread"
threads = settings.POOL_SIZE or 8  # a signed-in request holds one connection of the pool for its whole life
loglevel = "info" if settings.PRODUCTION else "warning"
graceful_timeout = 10
control_socket_disable = True
