"""The WSGI application that gunicorn serves."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from financetracker.site.logs import catch_strays

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "financetracker.settings")

application = get_wsgi_application()
if settings.PRODUCTION:
    catch_strays()
