"""The product's own settings, with an environment of the tests' own: nothing of ``var/`` is read or written."""

import atexit
import os
import shutil
import tempfile

_data_dir = tempfile.mkdtemp(prefix="fastlinkit-tests-")
atexit.register(shutil.rmtree, _data_dir, ignore_errors=True)

os.environ["DATA_DIR"] = _data_dir
os.environ["SECRET_KEY"] = "for the tests alone"
os.environ["SITE_URL"] = "http://localhost:8000"
os.environ["WEBPUSH_SUBJECT"] = "mailto:push@fastlinkit.example.org"
os.environ["WEBPUSH_PUBLIC_KEY"] = (
    "BGc1gjAwAqIvxqMSHBvUd9bKf89zC1wZBwqbj2lUeva_bjC8TmSOGWFjMQkLKjwG_49W13hG20r-evTcEQoOAKk"
)
os.environ["WEBPUSH_PRIVATE_KEY"] = "PSBGE1XXHUYiEWWpDBvxmvXZKJpDlTyy9ylJndcMCeo"
os.mkdir(f"{_data_dir}/static")  # WhiteNoise warns of a missing one, once a client
for name in ("EMAIL_URL", "WEBPUSH_PREVIOUS_KEYS", "WEBPUSH_EXTRA_HOSTS", "DEBUG", "ALLOWED_HOSTS"):
    os.environ.pop(name, None)
for name in ("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "STRIPE_API_BASE"):
    os.environ.pop(name, None)

from fastlinkit.settings import *  # noqa: E402, F403
from fastlinkit.settings import STORAGES  # noqa: E402

# Pages render without `collectstatic`; the browser tests run the product with its real storage.
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
# The same algorithm as in production, one round: the product's processes accept these passwords too.
PASSWORD_HASHERS = ["tests.hashers.OneRoundPBKDF2"]
