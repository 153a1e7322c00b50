"""Django's WSGI application: every page and every API."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fastlinkit.settings")

application = get_wsgi_application()
