"""Settings, read top to bottom, from the environment and from ``var/.env``.

The names of the variables are fixed (README, "Settings"). Every secret can also be given as
``NAME_FILE``, the path of a file that holds it. A mistake here is reported by the system checks.
"""

import os
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from fastlinkit.content_security import policy
from fastlinkit.environment import days, key_pairs, mailer, secret, sending_limits
from fastlinkit.logs import LOGGING  # noqa: F401 - a setting

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("DATA_DIR") or BASE_DIR / "var").resolve()
DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)

env = environ.Env()
environ.Env.read_env(DATA_DIR / ".env", overwrite=False)

# Problems found while reading; push/checks.py and fastlinkit/checks.py turn them into errors.
SETTING_PROBLEMS: list[str] = []
WEBPUSH_KEY_PROBLEMS: list[str] = []
PUSH_KEEP_PROBLEMS: list[str] = []
WEBPUSH_LIMIT_PROBLEMS: list[str] = []

# --- The site ---------------------------------------------------------------------------------------------------------

DEBUG = env.bool("DEBUG", default=False)
PORT = env.int("PORT", default=8000)
SITE_URL = env.str("SITE_URL", default=f"http://localhost:{PORT}").rstrip("/")
_site = urlsplit(SITE_URL)
_https = _site.scheme == "https"

SECRET_KEY = secret("SECRET_KEY", SETTING_PROBLEMS)
_fallbacks = secret("SECRET_KEY_FALLBACKS", SETTING_PROBLEMS)
SECRET_KEY_FALLBACKS = [key for key in _fallbacks.split(",") if key]
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[_site.hostname or "localhost"])
if not _https:
    ALLOWED_HOSTS += ["localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = [SITE_URL]

TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None

ROOT_URLCONF = "fastlinkit.urls"
WSGI_APPLICATION = "fastlinkit.wsgi.application"
APPEND_SLASH = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "fastlinkit",
    "push",
    "fundraising",
    "payments",
    "tickets",
    "drops",
    "accounts",
    "allauth",
    "allauth.account",
    "allauth.usersessions",
    "django_ox",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "fastlinkit.middleware.service_worker_guard",  # before the static files, which are scripts too
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "fastlinkit.middleware.null_character_guard",
    "fastlinkit.middleware.canonical_case",
    "fastlinkit.api.request_id",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.device_middleware",
    "accounts.middleware.preferences_middleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "push.views.context.bar",
            ],
        },
    }
]

# Pieces that lower apps offer to pages which gather from several floors: (template, dotted context function).
ACCOUNT_CARDS: tuple[tuple[str, str], ...] = (
    ("accounts/_profile_card.html", "accounts.cards.profile"),
    ("push/_card.html", "push.views.card.context"),
    ("push/_preferences_card.html", "push.views.preferences.context"),
    ("push/_devices_card.html", "push.views.devices.context"),
    ("accounts/_security_card.html", "accounts.cards.security"),
)
HOME_TILES: tuple[tuple[str, str], ...] = (
    ("tickets/_tile.html", "tickets.views.tickets.tile"),
    ("payments/_tile.html", "payments.views.tile"),
    ("fundraising/_tile.html", "fundraising.views.owner.tile"),
    ("drops/_tile.html", "drops.views.tile"),
    ("push/_tile.html", "push.views.notifications.tile"),
)
# The page that shows the cards: its view, for a form that was rejected, and where a saved one leads back to.
ACCOUNT_PAGE = "push.views.manage.manage"
ACCOUNT_PAGE_URL = reverse_lazy("push:manage")

# --- Data -------------------------------------------------------------------------------------------------------------

_database_url = secret("DATABASE_URL", SETTING_PROBLEMS)
_database: dict[str, Any] = {
    **env.db_url_config(_database_url or f"sqlite:///{DATA_DIR / 'fastlinkit.sqlite3'}"),
    "ATOMIC_REQUESTS": False,
}
DATABASES = {"default": _database}
if _database["ENGINE"] == "django.db.backends.sqlite3":
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-16000;",
    }
    # A file, not memory: the tests run the product's own processes against it.
    _database["TEST"] = {"NAME": f"{tempfile.gettempdir()}/fastlinkit-test-{os.getpid()}.sqlite3"}
else:
    _database["CONN_MAX_AGE"] = 600
    _database["CONN_HEALTH_CHECKS"] = True

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "fastlinkit_cache",
        "OPTIONS": {"MAX_ENTRIES": 50_000},
    }
}

# --- People -----------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = reverse_lazy("account_login")
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = reverse_lazy("account_login")
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_SIGNUP_FORM_CLASS = None
ACCOUNT_FORMS = {
    "login": "accounts.forms.LoginForm",
    "signup": "accounts.forms.RegisterForm",
    "change_password": "accounts.forms.ChangePasswordForm",
    "set_password": "accounts.forms.SetPasswordForm",
    "reset_password": "accounts.forms.ResetPasswordForm",
    "reset_password_from_key": "accounts.forms.ResetPasswordKeyForm",
    "reauthenticate": "accounts.forms.ReauthenticateForm",
}
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_CONFIRM_EMAIL_ON_GET = False
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True  # in the browser that registered; elsewhere one signs in
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_DEFAULT_HTTP_PROTOCOL = _site.scheme
ACCOUNT_SESSION_REMEMBER = None
ACCOUNT_EMAIL_NOTIFICATIONS = True
SESSION_COOKIE_AGE = 60 * 60 * 24 * 30
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "fastlinkit.home.csrf_failure"

# --- Words, times, mail -----------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = USE_TZ = True
TIME_ZONE = "UTC"

DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default=f"FastLinkIt <noreply@{_site.hostname}>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
EMAIL_URL = secret("EMAIL_URL", SETTING_PROBLEMS)
MAILERS = {"default": mailer(EMAIL_URL, DATA_DIR / "mail")}

# --- Background work --------------------------------------------------------------------------------------------------

TASKS = {
    "default": {
        "BACKEND": "django_ox.backend.OxBackend",
        "OPTIONS": {
            "LOCK_TIMEOUT": 60,
            "SCHEDULES": {
                "push-prune": {"task": "push.tasks.prune", "cron": "17 * * * *"},
                "push-announcements": {
                    "task": "push.tasks.tend_announcements",
                    "cron": "* * * * *",
                },
                "fundraising-sweep": {"task": "fundraising.tasks.sweep", "cron": "*/10 * * * *"},
                "payments-prune": {"task": "payments.tasks.prune", "cron": "29 * * * *"},
                "tickets-sweep": {"task": "tickets.tasks.sweep", "cron": "*/5 * * * *"},
                "sessions-prune": {
                    "task": "accounts.tasks.clear_expired_sessions",
                    "cron": "41 3 * * *",
                },
            },
        },
    }
}

# --- Web push ---------------------------------------------------------------------------------------------------------

WEBPUSH_PUBLIC_KEY = secret("WEBPUSH_PUBLIC_KEY", WEBPUSH_KEY_PROBLEMS)
WEBPUSH_PRIVATE_KEY = secret("WEBPUSH_PRIVATE_KEY", WEBPUSH_KEY_PROBLEMS)
WEBPUSH_SUBJECT = env.str("WEBPUSH_SUBJECT", default="").strip()
# Older pairs that still have subscriptions: public:private,public:private
WEBPUSH_PREVIOUS_KEYS = key_pairs(secret("WEBPUSH_PREVIOUS_KEYS", WEBPUSH_KEY_PROBLEMS))
WEBPUSH_EXTRA_HOSTS: list[str] = env.list("WEBPUSH_EXTRA_HOSTS", default=[])
# How many messages are in flight to a push service, and how long one may take.
WEBPUSH_LIMITS = sending_limits(WEBPUSH_LIMIT_PROBLEMS)
# Days that are kept of what became of each push, and of what people see in the bell.
PUSH_KEEP_DAYS = days("PUSH_KEEP_DAYS", 90, PUSH_KEEP_PROBLEMS)
PUSH_KEEP_NOTIFICATION_DAYS = days("PUSH_KEEP_NOTIFICATION_DAYS", 180, PUSH_KEEP_PROBLEMS)

# --- Payments ---------------------------------------------------------------------------------------------------------

STRIPE_SECRET_KEY = secret("STRIPE_SECRET_KEY", SETTING_PROBLEMS)
# Several while one is being rotated.
_webhook_secrets = secret("STRIPE_WEBHOOK_SECRET", SETTING_PROBLEMS)
STRIPE_WEBHOOK_SECRETS = [part.strip() for part in _webhook_secrets.split(",") if part.strip()]
# Stripe itself unless set: tests and the demo have one of their own, with its own pages for buyers.
STRIPE_API_BASE = env.str("STRIPE_API_BASE", default="").rstrip("/")

# --- Security ---------------------------------------------------------------------------------------------------------

SECURE_CSP = policy(SITE_URL, STRIPE_API_BASE or "https://checkout.stripe.com")
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = _https and TRUSTED_PROXIES > 0
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = False
DATA_UPLOAD_MAX_MEMORY_SIZE = (
    8_388_608  # a text of 2 MB is 6 MB in a form: its form says that it is too long
)

# --- Static files -----------------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "fastlinkit.finders.BootstrapFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
MEDIA_ROOT = DATA_DIR / "media"
