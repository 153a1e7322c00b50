"""Fixtures for every test: three people who have nothing to do with each other unless a test says so."""

import importlib.util

import pytest
from hypothesis import settings

from accounts.models import User

PASSWORD = "correct horse battery staple"

pytest_plugins = [
    f"tests.fixtures.{name}"
    for name in ("push_service", "product", "postgresql", "devices", "stripe")
    if importlib.util.find_spec(f"tests.fixtures.{name}")
]


# For `make gates`: the same properties, with many more examples.
settings.register_profile(
    "gates", max_examples=5000, deadline=None, derandomize=False, print_blob=True
)


def make_person(email: str, name: str) -> User:
    user = User.objects.create_user(email, PASSWORD, name=name)
    user.confirm_email()
    return user


@pytest.fixture
def owner(db: None) -> User:
    return make_person("olga@example.org", "Olga Owner")


@pytest.fixture
def colleague(db: None) -> User:
    return make_person("carl@example.org", "Carl Colleague")


@pytest.fixture
def stranger(db: None) -> User:
    return make_person("sam@example.net", "Sam Stranger")
