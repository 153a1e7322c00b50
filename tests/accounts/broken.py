"""An adapter whose sign-in breaks off at the last step."""

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.http import HttpRequest

from accounts.adapter import AccountAdapter


class Adapter(AccountAdapter):
    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        with transaction.atomic():
            super().login(request, user)
            raise RuntimeError("The disk is full")
