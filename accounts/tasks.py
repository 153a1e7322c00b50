"""What accounts do in the background."""

from importlib import import_module

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.tasks import task


@task()
def clear_expired_sessions() -> None:
    """Deletes sessions that have expired. Their devices, and push on them, stay."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    alive = Session.objects.values("session_key")
    UserSession.objects.exclude(session_key__in=alive).delete()
