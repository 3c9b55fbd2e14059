"""How gunicorn serves the books; it reads this file from the folder it is started in.

The settings are read here, before a worker exists: a wrong one ends the whole server with status 78.
A worker that found it out would be replaced by the next one, for ever.
"""

from financetracker import settings

worker_class = "gthread"
threads = settings.POOL_SIZE  # a signed-in request holds one connection of the pool for its whole life
loglevel = "info" if settings.PRODUCTION else "warning"
graceful_timeout = 10
control_socket_disable = True
