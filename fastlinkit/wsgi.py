"""Django's WSGI application: every page and every API."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fastlinkit.settings")

application = get_wsgi_application()

from push.startup import verify_instance  # noqa: E402 - models exist once Django is set up

try:
    verify_instance()
except ImproperlyConfigured as error:
    sys.exit(f"FastLinkIt does not start: {error}")
